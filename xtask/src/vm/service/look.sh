# Whether copytax serve counts, as the service that deploy/systemd/copytax.service makes of it.
bytes=4194304
way='mechanism="read_write",source="pipe",sink="file",class="bounced",lost="true"'

say() {
    echo "copytax-vm: $*"
}

end() {
    say "result: $*"
    busybox sync
    busybox poweroff -f
}

# Asks for a path until the answer has what is looked for.
await() {
    for _ in $(busybox seq 300); do
        busybox wget -q -O /tmp/answer "http://127.0.0.1:9464$1" 2>/dev/null
        busybox grep -q "$2" /tmp/answer 2>/dev/null && return 0
        busybox sleep 1
    done
    busybox cat /tmp/answer
    return 1
}

await /healthz ok || end "failed: the service does not count"
pid=$(busybox pidof copytax)
busybox grep -E '^(Uid|CapEff|CapBnd|NoNewPrivs|Seccomp):' "/proc/$pid/status"
busybox grep -q '^Seccomp:.*2' "/proc/$pid/status" || end "failed: system calls are not filtered"
busybox grep -q '^Uid:.*[1-9]' "/proc/$pid/status" || end "failed: it is root"

busybox dd if=/dev/zero of=/tmp/file bs=$bytes count=1 2>/dev/null
busybox cat /tmp/file | busybox cat >/tmp/copy
await /metrics "cgroup=\"/system.slice/look.service\".*$way} $bytes\$" || end "failed: $bytes bytes are not counted"
say "$(busybox grep "written_bytes_total.*$way" /tmp/answer)"
end passed
