#!/bin/bash
# Two Slurm nodes on this one machine, as root: munged, slurmctld and two slurmd, everything they write in DIR. Then
# SLURM_CONF=DIR/slurm.conf makes Slurm's commands speak to them. down.sh ends them.
set -e
D=${1:?usage: up.sh DIR}
H=$(hostname -s)
CPUS=$(nproc)
PORT=${2:-16817}
mkdir -p "$D"/{state,spool.n1,spool.n2,munge}
chmod 711 "$D" "$D/munge"
if [ ! -f "$D/munge/munge.key" ]; then
  dd if=/dev/urandom of="$D/munge/munge.key" bs=128 count=1 status=none
  chmod 600 "$D/munge/munge.key"
fi
chown -R munge:munge "$D/munge"
cat > "$D/slurm.conf" <<C
ClusterName=np360
SlurmctldHost=$H(127.0.0.1)
SlurmUser=root
SlurmctldPort=$PORT
SlurmdPort=$((PORT + 1))
AuthType=auth/munge
AuthInfo=socket=$D/munge/munge.sock,cred_expire=10
CryptoType=crypto/munge
StateSaveLocation=$D/state
SlurmdSpoolDir=$D/spool.%n
SlurmctldPidFile=$D/slurmctld.pid
SlurmdPidFile=$D/slurmd.%n.pid
SlurmctldLogFile=$D/slurmctld.log
SlurmdLogFile=$D/slurmd.%n.log
MpiDefault=none
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerType=sched/backfill
SchedulerParameters=batch_sched_delay=0,sched_interval=1,bf_interval=1
SlurmdParameters=config_overrides
ReturnToService=2
JobRequeue=1
MinJobAge=600
KillWait=2
InactiveLimit=0
GresTypes=gpu
NodeName=n1 NodeHostname=$H NodeAddr=127.0.0.1 Port=$((PORT + 2)) CPUs=$CPUS RealMemory=2000 Gres=gpu:2 State=UNKNOWN
NodeName=n2 NodeHostname=$H NodeAddr=127.0.0.1 Port=$((PORT + 3)) CPUs=$CPUS RealMemory=2000 Gres=gpu:2 State=UNKNOWN
PartitionName=gpu Nodes=n1,n2 Default=YES MaxTime=INFINITE State=UP
C
printf 'NodeName=%s Name=gpu File=%s/nvidia[0-1]\n' n1 "$D" n2 "$D" > "$D/gres.conf"
for i in 0 1; do [ -e "$D/nvidia$i" ] || mknod "$D/nvidia$i" c 1 3; done
echo 'CgroupPlugin=cgroup/v1' > "$D/cgroup.conf"
export SLURM_CONF=$D/slurm.conf
runuser -u munge -- munged --key-file="$D/munge/munge.key" --socket="$D/munge/munge.sock" \
  --pid-file="$D/munge/munged.pid" --log-file="$D/munge/munged.log" --seed-file="$D/munge/seed"
slurmctld -i
for n in n1 n2; do slurmd -N $n; done
for _ in $(seq 200); do
  [ "$(sinfo -h -t idle -o %D 2>/dev/null)" = 2 ] && exit 0
  sleep 0.1
done
echo "the nodes do not come up: see $D/*.log" >&2
exit 1
