#!/usr/bin/env python3
"""Runs moto on a port of its own and prints its URL; ends with its standard input."""
import logging
import sys
import threading
import time

from moto.apigateway.models import apigateway_backends
from moto.cloudformation.models import ChangeSet, CloudFormationBackend, Stack
from moto.core.common_models import CloudFormationModel
from moto.s3.responses import S3Response
from moto.server import ThreadedMotoServer
from moto.sqs.models import SQSBackend


def judge_conditions_with_the_write():
    """S3 judges If-Match and If-None-Match together with the write; moto does it in two steps, and threads interleave."""
    lock, put = threading.Lock(), S3Response._key_response_put

    def put_at_once(self, query, key_name):
        with lock:
            return put(self, query, key_name)

    S3Response._key_response_put = put_at_once


def lease_to_one_at_a_time():
    """SQS hides a message as it hands it out; moto looks first and marks then, and two polls may take the same."""
    lock, receive = threading.Lock(), SQSBackend.receive_message

    def receive_alone(self, queue_name, count, wait_seconds_timeout, visibility_timeout, message_attribute_names=None):
        end = time.monotonic() + wait_seconds_timeout
        while True:
            with lock:
                found = receive(self, queue_name, count, 0, visibility_timeout, message_attribute_names)
            if found or time.monotonic() >= end:
                return found
            time.sleep(0.01)

    SQSBackend.receive_message = receive_alone


def put_out_what_change_sets_make():
    """CloudFormation's stacks have outputs however they were made; moto forgets them where a change set did it."""
    apply = ChangeSet.apply

    def apply_with_outputs(self):
        apply(self)
        self.stack.template, self.stack.parameters = self.template, self.parameters
        self.stack._parse_template()
        self.stack.output_map = self.stack._create_output_map()

    ChangeSet.apply = apply_with_outputs


def add_change_sets_to_a_reviewed_stack():
    """A stack that is only reviewed takes further change sets; moto makes another stack of the same name for each."""
    create = CloudFormationBackend.create_change_set

    def create_for_the_same(self, stack_name, **given):
        reviewed = [each for each in self.stacks.values() if (each.name, each.status) == (stack_name, "REVIEW_IN_PROGRESS")]
        identifier, stack = create(self, stack_name, **given)
        if reviewed and stack != reviewed[0].stack_id:
            del self.stacks[stack]
            stack = reviewed[0].stack_id
            self.change_sets[identifier].stack, self.change_sets[identifier].stack_id = reviewed[0], stack
        return identifier, stack

    CloudFormationBackend.create_change_set = create_for_the_same


def list_what_a_stack_has():
    """A stack's resources are those that were made; moto also lists a blank for each that a condition leaves out."""
    listed = Stack.stack_resources.fget
    Stack.stack_resources = property(lambda self: [each for each in listed(self) if each is not None])


class StackAPIKey(CloudFormationModel):
    """An API key of a stack; moto has keys, and lets stacks go without."""

    __module__ = "moto.apigateway.models"  # moto asks whose it is

    @staticmethod
    def cloudformation_name_type():
        return "Name"

    @staticmethod
    def cloudformation_type():
        return "AWS::ApiGateway::ApiKey"

    @classmethod
    def create_from_cloudformation_json(cls, resource_name, cloudformation_json, account_id, region_name, **_):
        key = cls()
        made = apigateway_backends[account_id][region_name].create_api_key(
            {"name": resource_name, "enabled": cloudformation_json["Properties"].get("Enabled", False)})
        key.physical_resource_id = made.id
        return key

    @classmethod
    def update_from_cloudformation_json(cls, original_resource, **_):
        return original_resource

    @classmethod
    def delete_from_cloudformation_json(cls, resource_name, cloudformation_json, account_id, region_name):
        apigateway_backends[account_id][region_name].delete_api_key(resource_name)


if __name__ == "__main__":
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    judge_conditions_with_the_write()
    lease_to_one_at_a_time()
    put_out_what_change_sets_make()
    add_change_sets_to_a_reviewed_stack()
    list_what_a_stack_has()
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    print("http://{}:{}".format(*server.get_host_and_port()), flush=True)
    sys.stdin.read()
    server.stop()
