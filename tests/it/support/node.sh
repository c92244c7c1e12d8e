# Keeps the namespaces of a whole node, and with them all that runs there, for as long as stdin is open. A shell in these
# namespaces, as their first process, runs what stdin says. When it ends so does everything in them, by the kernel's hand;
# what they do not hold is mended here.
# $1: the node's folder, which goes with it; $2: what only one node has at a time; $3: the link to it.
set -u
folder=$1 lock=$2 link=$3
exec 3<&0 4</proc/self/ns/net 9>"$lock"
flock 9
echo "it is this node's turn"

# What a kubelet sets for the whole machine.
settings="vm/overcommit_memory vm/panic_on_oom kernel/panic kernel/panic_on_oops kernel/keys/root_maxkeys kernel/keys/root_maxbytes"
before=$(for setting in $settings; do echo "$setting $(cat "/proc/sys/$setting")"; done)

unshare --fork --pid --mount --mount-proc --net sh -s <&3 9>&-

echo "$before" | while read -r setting value; do echo "$value" >"/proc/sys/$setting"; done
ip link delete "$link" 2>/dev/null
for container in "$folder"/containerd/state/io.containerd.runtime.v2.task/k8s.io/*; do
  rmdir /sys/fs/cgroup/k8s.io/"${container##*/}" /sys/fs/cgroup/*/k8s.io/"${container##*/}" 2>/dev/null
done
rmdir /sys/fs/cgroup/k8s.io /sys/fs/cgroup/*/k8s.io 2>/dev/null
rm -rf -- "$folder"
