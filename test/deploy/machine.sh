#!/bin/bash
# A Debian machine of its own inside this one, for tests of packages and units: the same files, but nothing written to
# them comes back; no network but loopback; systemd as process 1. Run by machine.ts inside new namespaces, as root.
set -e
base=$1
mount --make-rprivate /
mount -t tmpfs tmpfs "$base"
mkdir "$base/up" "$base/work" "$base/root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$base/up,workdir=$base/work" "$base/root"
cd "$base/root"
mount -t proc proc proc
mount -t sysfs sysfs sys
mount -t cgroup2 cgroup2 sys/fs/cgroup
mount -t tmpfs tmpfs run
mount -t tmpfs tmpfs tmp
mount -t tmpfs tmpfs dev
mkdir dev/shm dev/pts
for device in null zero full random urandom tty; do
  touch "dev/$device"
  mount --bind "/dev/$device" "dev/$device"
done
ln -s pts/ptmx dev/ptmx
ip link set lo up
# Nothing of this machine's own services starts there, and no package of it is installed there.
# Nor does a policy of containers forbid to start what is installed, or the index of manuals take its ten seconds.
rm -f usr/sbin/policy-rc.d var/lib/man-db/auto-update
rm -rf etc/systemd/system/*.wants usr/bin/palava-machine etc/palava-machine
pivot_root . mnt
umount -l /mnt
# As nspawn leaves it: what systemd mounts for a service is seen by that.
mount --make-rshared /
exec env -i container=other PATH=/usr/sbin:/usr/bin:/sbin:/bin \
  /lib/systemd/systemd --system --unit=basic.target --log-level=warning
