# The container runtime: which directories it reads, and whether it has loaded what lies there. It is asked itself;
# runtime_files.sh reads its files where it cannot be.

the_runtime="the runtime to load the configuration; it is silent while a slow pod starts or ends"

# same_place PATH PATH: k3s before October 2024 names the target of the link that its profile names.
same_place() { place=$(readlink -f "$root$1") && [ "$place" = "$(readlink -f "$root$2")" ]; }

# ask_runtime: what `crictl info` says, as lines of json in .info. Status 1: nothing here can ask this runtime; 2: it can be
# asked and did not answer. containerd is silent for as long as a CNI call takes: containerd#4666. crictl itself gives up
# after two seconds (cri-tools v1.37.0, cmd/crictl/main.go), by the status of any other error.
runtime_answered=false
ask_runtime() {
    while read -r asking; do
        has "${asking%% *}" || continue
        code=0
        # shellcheck disable=SC2086 # a program and its words
        timeout 10 $asking info </dev/null >"$state/.answer" 2>"$state/.refusal" || code=$?
        case $code in
        0) json "$state/.answer" >"$state/.info" 2>/dev/null && [ -n "$(read_conf_dir)" ] && runtime_answered=true && return 0 ;;
        # busybox' timeout ends as its child does.
        124 | 137 | 143) return 2 ;;
        esac
        ! grep -q DeadlineExceeded "$state/.refusal" || return 2
    done <<END
$crictl
$crictls
END
    ! $runtime_answered || return 2
    return 1
}

# Whether the runtime has answered, or nothing here can ask it: in `code`, what `ask_runtime` ended with.
runtime_speaks() {
    code=0
    ask_runtime || code=$?
    [ "$code" -ne 2 ]
}

# The directories as the runtime has merged them, in its order. containerd 1.6 to 2.4 spell them alike here, and not in
# config.cni.
read_conf_dir() { leaf /cniconfig/PluginConfDir <"$state/.info"; }

read_bin_dirs() { sed -n 's|^/cniconfig/PluginDirs/[0-9]*="\(.*\)"$|\1|p' "$state/.info" | awk '!seen[$0]++' | tr '\n' ' ' | sed 's/ $//'; }

load_status() { [ ! -f "$state/.info" ] || leaf /lastCNILoadStatus <"$state/.info"; }

# runtime_has_loaded [FUNCTION]: whether the runtime has loaded the directory, and the function agrees. A runtime that
# reads another directory, or that nothing here can ask, says nothing; one that does not answer has not loaded it.
runtime_has_loaded() {
    rm -f "$state/.info"
    runtime_speaks || return 1
    [ "$code" -eq 0 ] || return 0
    same_place "$(read_conf_dir)" "$conf_dir" || return 0
    [ "$(load_status)" = OK ] && { [ $# -eq 0 ] || "$1"; }
}

# not_ready: why the runtime calls the network not ready, in its own words; nothing where it does not. From cniVersion
# 1.1.0 on these are the plugin's, whose STATUS it asks.
not_ready() {
    [ -f "$state/.info" ] || return 0
    at=$(sed -n 's|^\(/status/conditions/[0-9]*\)/type="NetworkReady"$|\1|p' "$state/.info")
    [ "$(leaf "$at/status" <"$state/.info")" != false ] || leaf "$at/message" <"$state/.info"
}

is_ready() { [ -z "$(not_ready)" ]; }

has_no_multus() { ! grep -q '^/cniconfig/Networks/.*/type="multus' "$state/.info"; }

default_is_loaded() { runtime_has_loaded has_no_multus; }

# why_not_loaded: the runtime's own words.
why_not_loaded() {
    said=$(load_status)
    say "${said:-it does not answer: $(cat "$state/.refusal")}"
}

k3s_version='' ignored='' confines=''

check_runtime() {
    if has k3s; then
        k3s_version=$(timeout 10 k3s --version 2>/dev/null | sed -n 's/^k3s version \([^ ]*\).*/\1/p')
        fact k3sVersion "$k3s_version"
    fi
    if await 5 "the runtime to answer" runtime_speaks && [ "$code" -eq 0 ]; then
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
    check_conf_dir
    check_bin_dir || true
}

check_conf_dir() {
    same_place "$runtime_conf" "$conf_dir" ||
        error conf-dir-elsewhere "$where" "the runtime reads CNI configurations from $runtime_conf, the plan says $conf_dir" "set cniConfDir to $runtime_conf" "$runtime_conf"
}

# Whether the plan's directory is one that the runtime runs plugins from.
check_bin_dir() {
    for runtime_bin in $runtime_bins; do
        ! same_place "$runtime_bin" "$bin_dir" || return 0
        # The link stays when an upgrade makes the directory behind it anew.
        for link in $bin_link $bin_links; do
            ! same_place "$link" "$runtime_bin" || runtime_bin=$link
        done
    done
    error bin-dir-elsewhere "$where" "the runtime${k3s_version:+ of k3s $k3s_version} runs CNI plugins from $runtime_bins, the plan says $bin_dir" "set cniBinDir to $runtime_bin${ignored:+, or write bin_dirs: containerd since 2.1 ignores bin_dir}" "$runtime_bin"
    return 1
}

# The runtime runs the first program of the name that it finds, and only from its own directories.
check_program() {
    program_runs || error plugin-does-not-run "$bin_dir/$program" "does not run here: $(api_answer)" "$logs"
    [ -s "$state/.info" ] || return 0
    where="crictl info" runtime_conf=$(read_conf_dir) runtime_bins=$(read_bin_dirs)
    check_conf_dir
    check_bin_dir || return 0
    for runtime_bin in $runtime_bins; do
        if [ -f "$root$runtime_bin/$program" ]; then
            same_place "$runtime_bin/$program" "$bin_dir/$program" ||
                error another-program "$runtime_bin/$program" "is what the runtime finds before $bin_dir/$program" "remove it"
            break
        fi
    done
}

# Whether this machine can run what the runtime calls, asked for its versions alone.
program_runs() {
    printf '{"cniVersion":"1.0.0"}' | CNI_COMMAND=VERSION timeout 10 "$bin/$program" >"$state/.api" 2>&1
}

# What the runtime says of the directory's files, where it says anything.
check_loaded() {
    [ -f "$state/.info" ] && same_place "$(read_conf_dir)" "$conf_dir" || return 0
    fact cniLoadStatus "$(load_status)"
    [ "$(load_status)" = OK ] || error network-not-loaded "$conf_dir" "the runtime could not load its network: $(load_status)" "repair the cluster's CNI first"
}
