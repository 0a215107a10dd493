# The last part: the phase runs. Only steps of Pulumi have it: what people run over a connection of theirs never closes that.

[ -n "$root" ] || close_connection
case $phase in
preflight | provision | verify | disarm | clean | forget | carries | unpack | unused) "$phase" ;;
*)
    echo "node.sh: unknown phase $phase" >&2
    exit 2
    ;;
esac
