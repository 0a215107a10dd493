# The runtime's own configuration, read only where the runtime cannot be asked.

# k3s and RKE2 always have a file of their own, unless k3s runs on docker or on a runtime that somebody else brings: then
# no other file is its runtime's (k3s pkg/agent/run.go, startCRI).
find_runtime_file() {
    # shellcheck disable=SC2086 # words
    set -- $runtime_file $runtime_files
    for where in "$@"; do
        case $1:$where in */agent/etc/*:/etc/*) continue ;; esac
        ! serves_pods || return 0
    done
    where=$1
    return 1
}

# CRI-O's packages bring drop-ins and no crio.conf. The containerd that docker brings has cri disabled. In `read`, the file.
serves_pods() {
    [ -f "$root$where" ] || [ -d "$root$where.d" ] || return 1
    read=$(all_settings)
    ! say "$read" | grep -q '^off.*[ .]cri'
}

# settings FILE: lines `conf DIR`, `bin DIR...`, `ignored DIR`, `imports FILE...`, `off PLUGIN...`, `selinux true` of a
# runtime's TOML. Source: containerd v2.4.2, plugins/cri/runtime/plugin.go: below version 4 the table of CRI before 2.0 is
# moved into the new one, where its bin_dir outweighs any bin_dirs. In the new table only 2.0 knows bin_dir.
settings() {
    awk '
    /^[ \t]*#/ { next }
    line == "" && /^[ \t]*\[/ { section = $0; next }
    { sub(/[ \t]#.*/, ""); line = line $0 " " }
    line ~ /=[ \t]*\[[^]]*$/ { next }
    {
        key = line; sub(/^[ \t]*/, "", key); sub(/[ \t]*=.*/, "", key)
        sub(/^[^=]*=/, "", line); gsub(/[][",\047 \t]+/, " ", line); sub(/ $/, "", line)
        if (section == "" && key == "version") version = line + 0
        if (section == "" && key == "imports") print "imports" line
        if (section == "" && key == "disabled_plugins") print "off" line
        if (key == "enable_selinux" || section ~ /crio\.runtime\]/ && key == "selinux") print "selinux" line
        new = section ~ /cri\.v1\.runtime.*\.cni *\]/
        if (new || section ~ /crio\.network *\]/ || (section ~ /\.cni *\]/ && version < 4)) {
            if (key ~ /^(conf|network)_dir$/) print "conf" line
            if (key ~ /^(bin_dirs|plugin_dirs?)$/) dirs = line
            if (key == "bin_dir") { if (new) print "ignored" line; else dir = line }
        }
        line = ""
    }
    END { if (dir dirs != "") print "bin" (dir != "" ? dir : dirs) }' "$1"
}

# The same with imported files, whose word is the last; CRI-O reads its own without being told.
all_settings() {
    own=$([ ! -f "$root$where" ] || settings "$root$where")
    say "$own"
    for pattern in $(say "$own" | sed -n 's/^imports//p') "$where.d/*"; do
        case $pattern in /*) ;; *) pattern=${where%/*}/$pattern ;; esac
        # shellcheck disable=SC2231 # a pattern
        for file in $root$pattern; do
            [ ! -f "$file" ] || settings "$file"
        done
    done
}

# Where nothing is said both runtimes take these.
read_runtime_file() {
    runtime_conf=$(last_of conf) runtime_bins=$(last_of bin) ignored=$(last_of ignored) confines=$(last_of selinux)
    runtime_conf=${runtime_conf:-/etc/cni/net.d} runtime_bins=${runtime_bins:-/opt/cni/bin}
    # CRI-O confines containers wherever SELinux is on, unless it is told not to (pkg/config/config_linux.go, 11934304).
    case $where in *crio*) confines=${confines:-true} ;; esac
}

last_of() { say "$read" | sed -n "s/^$1 *//p" | tail -n 1; }
