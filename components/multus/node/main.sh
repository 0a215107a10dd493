# The last part: the phase runs.

case $phase in
preflight | provision | verify | disarm | clean | forget | carries | unpack | unused) "$phase" ;;
*)
    echo "node.sh: unknown phase $phase" >&2
    exit 2
    ;;
esac
