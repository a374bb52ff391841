#!/usr/bin/env python3
"""Runs moto on a port of its own and prints its URL; ends with its standard input."""
import logging
import sys
import threading

from moto.s3.responses import S3Response
from moto.server import ThreadedMotoServer


def judge_conditions_with_the_write():
    """S3 judges If-Match and If-None-Match together with the write; moto does it in two steps, and threads interleave."""
    lock, put = threading.Lock(), S3Response._key_response_put

    def put_at_once(self, query, key_name):
        with lock:
            return put(self, query, key_name)

    S3Response._key_response_put = put_at_once


if __name__ == "__main__":
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    judge_conditions_with_the_write()
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    print("http://{}:{}".format(*server.get_host_and_port()), flush=True)
    sys.stdin.read()
    server.stop()
