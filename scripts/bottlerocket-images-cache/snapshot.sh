#!/bin/sh
# Makes an EBS snapshot of Bottlerocket's data volume with container images in it: the flags and defaults of
# aws-samples/bottlerocket-images-cache, handed over to `sdctl snapshot`, which has more of them.
set -eu

usage() {
  cat <<'TEXT'
usage: snapshot.sh [options] <comma-separated container images>
  -h,  --help                   print this help
  -r,  --region                 region (default: AWS_DEFAULT_REGION, else the instance's)
  -a,  --ami                    SSM parameter path of the machine image
                                (default: /aws/service/bottlerocket/aws-k8s-1.27/x86_64/latest/image_id)
  -i,  --instance-type          instance type (default: m5.large)
  -e,  --encrypt                encrypt the snapshot
  -k,  --kms-id                 KMS key, after -e
  -s,  --snapshot-size          GiB (default: 50)
  -R,  --instance-role          name of an existing role (default: one for the run)
  -q,  --quiet                  print the snapshot's id alone
  -sg, --security-group-id      security group (default: the VPC's)
  -sn, --subnet-id              subnet (default: the default VPC's)
  -p,  --public-ip              true or false (default: true)
  -op, --output-parameter-name  SSM parameter that gets the id
  -A,  --arch                   architectures, comma-separated (default: amd64)
SDCTL names the program to hand over to (default: sdctl of the PATH).
TEXT
}

fail() { echo "snapshot.sh: $*" >&2; exit 2; }

sdctl=${SDCTL:-sdctl}
command -v "$sdctl" >/dev/null || fail "$sdctl is not there: build it with 'make build', or name it with SDCTL"

ami=/aws/service/bottlerocket/aws-k8s-1.27/x86_64/latest/image_id
images=
encrypt=
# The original's arguments are taken off the front, and sdctl's put at the end.
count=$#
while [ "$count" -gt 0 ]; do
  flag=$1
  shift
  count=$((count - 1))
  case $flag in
    -h | --help) usage; exit 0 ;;
    -q | --quiet) set -- "$@" --quiet; continue ;;
    -e | --encrypt) encrypt=yes; set -- "$@" --encrypt; continue ;;
    -r | --region) name=--region ;;
    -a | --ami) name=ami ;;
    -i | --instance-type) name=--instance-type ;;
    -k | --kms-id) name=--kms-key; [ -n "$encrypt" ] || fail "$flag goes after -e" ;;
    -s | --snapshot-size) name=--size ;;
    -R | --instance-role) name=--instance-role ;;
    -sg | --security-group-id) name=--security-group ;;
    -sn | --subnet-id) name=--subnet ;;
    -p | --public-ip) name=--public-ip ;;
    -op | --output-parameter-name) name=--output-parameter ;;
    -A | --arch) name=--arch ;;
    -*) usage >&2; fail "unknown option $flag" ;;
    *) images=${images:+$images,}$flag; continue ;;
  esac
  [ "$count" -gt 0 ] || fail "$flag needs a value"
  value=$1
  shift
  count=$((count - 1))
  if [ "$name" = ami ]; then ami=$value; else set -- "$@" "$name" "$value"; fi
done
[ -n "$images" ] || { usage >&2; fail "which images?"; }

exec "$sdctl" snapshot create --ami "$ami" "$@" "$images"
