# In a pod: who answers over its interface, how large a packet may be, and whether the cluster's DNS answers.
# PORT [POD ADDRESS BYTES]...
#
# HTTP, since busybox's ping opens raw sockets, which a pod without rights may not. TCP forbids routers and the kernel
# to break its packets, so that an answer as long as one segment is a packet of that size (tcp(7), ip(7):
# IP_PMTUDISC_WANT).
port=$1
shift

get() { # ADDRESS PATH BYTES SECONDS: the answer with its head
    printf 'GET %s HTTP/1.1\r\nHost: pod\r\nRange: bytes=0-%s\r\nConnection: close\r\n\r\n' "$2" $(($3 - 1)) |
        timeout "$4" nc "$1" "$port" 2>/dev/null
}

passes() { # ADDRESS BYTES: whether one segment with so much in it comes through
    [ "$(get "$1" /packet "$2" 2 | sed '1,/^\r$/d' | wc -c)" -eq "$2" ]
}

largest() { # ADDRESS BYTES: how much passes in one segment, up to so much
    if passes "$1" "$2" || passes "$1" "$2"; then
        echo "$2"
        return
    fi
    low=0 high=$2
    while [ $((high - low)) -gt 1 ]; do
        middle=$(((low + high) / 2))
        if passes "$1" "$middle"; then low=$middle; else high=$middle; fi
    done
    echo "$low"
}

ask() { # POD ADDRESS BYTES
    by=nobody
    for _ in 1 2 3; do
        case $(get "$2" "/$1" 1 3 | head -n 1) in
        *' 200 '* | *' 206 '*) by=itself ;;
        *' 404 '*) by=another ;;
        *)
            sleep 1
            continue
            ;;
        esac
        break
    done
    bytes=0
    [ "$by" != itself ] || bytes=$(largest "$2" "$3")
    echo "answer $1 $2 $by $bytes $(ip route get "$2" 2>/dev/null | sed -n 's/.* dev \([^ ]*\).*/\1/p')"
}

resolve() {
    domain=$(sed -n 's/^search.* svc\.\([^ ]*\).*/\1/p' /etc/resolv.conf)
    # The exit status of busybox's nslookup also speaks of an IPv6 address that nobody has.
    if [ -n "$domain" ] &&
        timeout 5 nslookup "kubernetes.default.svc.$domain" 2>/dev/null | grep -q "$KUBERNETES_SERVICE_HOST"; then
        echo 'dns yes'
    else
        echo 'dns no'
    fi
}

resolve &
while [ $# -gt 0 ]; do
    ask "$1" "$2" "$3" &
    shift 3
done
wait
