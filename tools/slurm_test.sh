#!/usr/bin/env bash
# Scores a checkpoint on a cluster that Slurm manages:
#
#   tools/slurm_test.sh PARTITION JOB_NAME CONFIG CHECKPOINT... [flags of tools/test.py]
#
# GPUS (8), GPUS_PER_NODE (8), CPUS_PER_TASK (5) and SRUN_ARGS are read from the
# environment. On nodes without GPUs, GPUS is the number of processes, and
# SRUN_ARGS=--gres=none.
set -euo pipefail

if [ $# -lt 4 ]; then
    sed -n '2,8s/^# \{0,1\}//p' "$0" >&2
    exit 2
fi
partition=$1
job=$2
config=$3
checkpoint=$4
shift 4
gpus=${GPUS:-8}
per_node=${GPUS_PER_NODE:-8}
export MASTER_PORT=${MASTER_PORT:-$((12000 + RANDOM % 20000))}

# SRUN_ARGS holds several words.
# shellcheck disable=SC2086
exec srun --partition="$partition" \
    --job-name="$job" \
    --gres="gpu:$per_node" \
    --ntasks="$gpus" \
    --ntasks-per-node="$((gpus < per_node ? gpus : per_node))" \
    --cpus-per-task="${CPUS_PER_TASK:-5}" \
    --kill-on-bad-exit=1 \
    ${SRUN_ARGS:-} \
    "${PYTHON:-python}" -u "$(dirname "$0")/test.py" "$config" "$checkpoint" \
    "$@" --launcher slurm
