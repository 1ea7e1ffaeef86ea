#!/bin/sh
#SBATCH --job-name=kpkg
#SBATCH --array=0-7
#SBATCH --requeue
#SBATCH --output=kpkg-%A-%a.log

# A release in eight parts, a task of the array for each, on nodes that share the checkout and PARTS. What a task is killed at, such as by
# a node that goes down, is done again, and changes nothing of what is there.
#
#   PARTS=/shared/parts sbatch --wait docs/ci/slurm.sh s3 sftp imap v1.2.3
#   kpkg release s3 sftp imap v1.2.3 --finish /shared/parts --key acme-2026.sec --out-dir dist

exec kpkg release "$@" --shard auto --out-dir "${PARTS:-parts}"
