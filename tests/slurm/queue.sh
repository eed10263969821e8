#!/bin/sh
# A queue for machines without Slurm: sbatch, squeue, scontrol and scancel as far as the benchmark uses them, jobs being
# processes of this machine. Called by those names; everything lies in $QUEUE.
jobs=$QUEUE/jobs
mkdir -p "$jobs"
case ${0##*/} in
sbatch)
  echo "$*" >> "$QUEUE/submitted"
  number=$(($(cat "$QUEUE/number" 2>/dev/null || echo 0) + 1))
  echo $number > "$QUEUE/number"
  after=
  for arg; do
    case $arg in
      --array=*) list=${arg#--array=}; list=${list%%%*} ;;
      --output=*) log=${arg#--output=} ;;
      --export=ALL,*) export $(echo "${arg#--export=ALL,}" | tr ',' ' ') ;;
      --dependency=afterok:*) after=${arg#--dependency=afterok:} ;;
    esac
    script=$arg
  done
  for range in $(echo "$list" | tr ',' ' '); do
    for index in $(seq "${range%-*}" "${range#*-}"); do
      job=$jobs/${number}_$index
      mkdir "$job"
      (
        export SLURM_ARRAY_JOB_ID=$number SLURM_ARRAY_TASK_ID=$index SLURM_CPUS_ON_NODE=1 SLURM_RESTART_COUNT=0
        while [ -n "$after" ] && [ -d "$jobs/$after" ]; do sleep 0.1; done
        if [ -n "$after" ] && [ "$(cat "$QUEUE/$after.code")" != 0 ]; then
          rm -r "$job"
          exit
        fi
        touch "$job/running"
        while :; do
          sh "$script" >> "$(echo "$log" | sed "s/%a/$index/; s/%A/$number/")" 2>&1
          echo $? > "$QUEUE/${number}_$index.code"
          [ -e "$job/again" ] || break
          rm "$job/again"
          SLURM_RESTART_COUNT=$((SLURM_RESTART_COUNT + 1))
        done
        rm -r "$job"
      ) > /dev/null 2>&1 < /dev/null &
    done
  done
  echo $number
  ;;
squeue)
  for job in "$jobs"/*_*; do
    [ -d "$job" ] || continue
    id=${job##*/}
    state=PENDING
    [ -e "$job/running" ] && state=RUNNING
    echo "${id%_*}|${id%_*}|${id#*_}|$state|here|None"
  done
  ;;
scontrol) [ "$1" = requeue ] && touch "$jobs/$2/again" ;;
scancel) echo "$*" >> "$QUEUE/cancelled" ;;
esac
exit 0
