# The container runtime: which directories it reads, and whether it has loaded what lies there. It is asked itself;
# runtime_files.sh reads its files where it cannot be.

# same_place PATH PATH: k3s before October 2024 names the target of the link that its profile names.
same_place() { place=$(readlink -f "$root$1") && [ "$place" = "$(readlink -f "$root$2")" ]; }

# ask_runtime: what `crictl info` says, as lines of json in .info. Status 1: nothing here can ask this runtime; 2: it can be
# asked and did not answer. containerd is silent for as long as a CNI call takes: containerd#4666.
runtime_answered=false
ask_runtime() {
    while read -r asking; do
        has "${asking%% *}" || continue
        code=0
        # shellcheck disable=SC2086 # a program and its words
        timeout 10 $asking info </dev/null >"$state/.answer" 2>/dev/null || code=$?
        case $code in
        0) json "$state/.answer" >"$state/.info" 2>/dev/null && [ -n "$(read_conf_dir)" ] && runtime_answered=true && return 0 ;;
        # busybox' timeout ends as its child does.
        124 | 137 | 143) return 2 ;;
        esac
    done <<END
$crictl
$crictls
END
    ! $runtime_answered || return 2
    return 1
}

# The directories as the runtime has merged them. containerd 1.6 to 2.4 spell them alike here, and not in config.cni.
read_conf_dir() { leaf /cniconfig/PluginConfDir <"$state/.info"; }

read_bin_dirs() { sed -n 's|^/cniconfig/PluginDirs/[0-9]*="\(.*\)"$|\1|p' "$state/.info" | sort -u | tr '\n' ' ' | sed 's/ $//'; }

load_status() { [ ! -f "$state/.info" ] || leaf /lastCNILoadStatus <"$state/.info"; }

# runtime_has_loaded [FUNCTION]: whether the runtime has loaded the directory, and the function agrees. A runtime that
# reads another directory, or that nothing here can ask, says nothing; one that does not answer has not loaded it.
runtime_has_loaded() {
    rm -f "$state/.info"
    code=0
    ask_runtime || code=$?
    [ "$code" -ne 1 ] || return 0
    [ "$code" -eq 0 ] || return 1
    same_place "$(read_conf_dir)" "$conf_dir" || return 0
    [ "$(load_status)" = OK ] && { [ $# -eq 0 ] || "$1"; }
}

has_no_multus() { ! grep -q '^/cniconfig/Networks/.*/type="multus' "$state/.info"; }

default_is_loaded() { runtime_has_loaded has_no_multus; }

# why_not_loaded: the runtime's own words.
why_not_loaded() {
    said=$(load_status)
    say "${said:-it does not answer}"
}

check_runtime() {
    k3s_version='' confines=''
    if has k3s; then
        k3s_version=$(timeout 10 k3s --version 2>/dev/null | sed -n 's/^k3s version \([^ ]*\).*/\1/p')
        fact k3sVersion "$k3s_version"
    fi
    if ask_runtime; then
        where="crictl info" runtime_conf=$(read_conf_dir) runtime_bins=$(read_bin_dirs)
        confines=$(leaf /config/enableSelinux <"$state/.info")
    elif find_runtime_file; then
        read_runtime_file
    else
        warn runtime-unknown "$where" "is not there to compare the directories with" "check distro"
        return 0
    fi
    fact runtimeConfig "$where"
    fact cniConfDir "$runtime_conf"
    fact cniBinDirs "$runtime_bins"
    same_place "$runtime_conf" "$conf_dir" ||
        error conf-dir-elsewhere "$where" "the runtime reads CNI configurations from $runtime_conf, the plan says $conf_dir" "set cniConfDir to $runtime_conf" "$runtime_conf"
    for runtime_bin in $runtime_bins; do
        ! same_place "$runtime_bin" "$bin_dir" || return 0
        # The link stays when an upgrade makes the directory behind it anew.
        for link in $bin_link $bin_links; do
            ! same_place "$link" "$runtime_bin" || runtime_bin=$link
        done
    done
    error bin-dir-elsewhere "$where" "the runtime${k3s_version:+ of k3s $k3s_version} runs CNI plugins from $runtime_bins, the plan says $bin_dir" "set cniBinDir to $runtime_bin" "$runtime_bin"
}

# What the runtime says of the directory's files, where it says anything.
check_loaded() {
    [ -f "$state/.info" ] && same_place "$(read_conf_dir)" "$conf_dir" || return 0
    fact cniLoadStatus "$(load_status)"
    [ "$(load_status)" = OK ] || error network-not-loaded "$conf_dir" "the runtime could not load its network: $(load_status)" "repair the cluster's CNI first"
}
