# What the program says. Every finding has a code, which programs read instead of the sentence: diagnose.sh prints both as
# JSON. The codes are listed in operations/multus_ops/doctor/node_codes.py; a test compares both sides.

errors=0

say() { printf '%s\n' "$*"; }

# finding SEVERITY CODE WHERE WHAT FIX [VALUE]: VALUE is what a program needs for the fix, such as a directory.
finding() { printf '%s: %s: %s; %s.\n' "$1" "$3" "$4" "$5" >&2; }

warn() { finding warning "$@"; }

error() {
    errors=$((errors + 1))
    finding error "$@"
}

die() {
    error "$@"
    exit 1
}

# fact NAME VALUE: for diagnose.sh, which prints it.
fact() { :; }

# conclude SENTENCE: what a phase of checks ends with.
conclude() { [ "$errors" -gt 0 ] || say "$1"; }

has() { command -v "$1" >/dev/null 2>&1; }

# Whether a list of words has one.
lists() { case " $1 " in *" $2 "*) true ;; *) false ;; esac }

# await SECONDS WHAT COMMAND...: polls, since nothing on a base system can wait for a file or a process that is not a
# child. Standard error is what people see while a step runs: the first failure says there what is waited for.
await() {
    left=$1 awaited=$2
    shift 2
    until "$@"; do
        [ "$left" -gt 0 ] || return 1
        [ -z "$awaited" ] || say "waiting for $awaited" >&2
        awaited=''
        left=$((left - 1))
        sleep 1
    done
}
