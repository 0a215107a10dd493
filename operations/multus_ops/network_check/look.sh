# In a pod: which links, addresses and routes it has, as text for look.py. INTERFACE
# A new IPv6 address is of no use until the kernel has made sure that nobody else has it.
tries=0
while ip -o addr show dev "$1" 2>/dev/null | grep -q tentative && [ "$tries" -lt 5 ]; do
    sleep 1
    tries=$((tries + 1))
done
for link in /sys/class/net/*; do
    echo "link ${link##*/} $(cat "$link/mtu") $(cat "$link/operstate")"
done
ip -o addr | sed 's/^[0-9]*: */address /'
ip -4 route | sed 's/^/route 4 /'
ip -6 route | sed 's/^/route 6 /'
for address in $(sed -n 's/^nameserver *//p' /etc/resolv.conf) $KUBERNETES_SERVICE_HOST; do
    echo "way $address $(ip route get "$address" 2>/dev/null | sed -n 's/.* dev \([^ ]*\).*/\1/p')"
done
echo "timestamps $(cat /proc/sys/net/ipv4/tcp_timestamps)"
