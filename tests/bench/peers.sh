# shellcheck shell=bash disable=SC2154
# Sourced by run: the same file in other programs. Every gradient begins at a barrier and ends on the last rank, the update
# of the parameters included; each program on as many cores: ranks with one thread, or one process with as many threads.

# gradient_PROGRAM MODEL DATA: seconds and the loss at the last point, as problem.py says
gradient_thalweg() {
    local model=$1
    rm -rf peer
    cat >peer.yaml <<YAML
data: {train: $2}
model: {type: $model}
optimizer: {type: gd}
step: {rule: constant, length: 0.1}
stop: {gradient_norm: 0, max_iterations: $evaluations}
reduction: {mode: reproducible}
checkpoint: {every: never}
YAML
    mpi "$peer_ranks" 1 "$thalweg" train peer.yaml --out peer -q
    # between the rows of the log, the first iteration left out
    awk -F'"seconds":|"loss":' '{ split($2, t, ","); split($3, f, ","); if (NR > 2) print t[1] - last; last = t[1]; loss = f[1] }
        END { print loss >"loss.txt" }' peer/metrics.jsonl | median >seconds.txt
    echo "gradient thalweg $(cat seconds.txt) $(cat loss.txt)"
}
gradient_numpy() { mpi "$peer_ranks" 1 "$python" "$here/gradient_numpy.py" "$2" "$evaluations"; }
gradient_torch() {
    rm -f rendezvous
    mpi "$peer_ranks" 1 "$python" "$here/gradient_torch.py" "$2" "$evaluations" rendezvous
}

# gradients TITLE MODEL DATA BYTES: rows of the table
gradients() {
    local title=$1 model=$2 data=$3 bytes_of=$4 round program
    : >gradients.txt
    for ((round = 0; round < rounds; round++)); do
        for program in thalweg numpy torch; do
            case $program in
            numpy) installed 'mpi4py, h5py' || { echo "missing mpi4py_+_numpy" >>gradients.txt && continue; } ;;
            torch) installed 'torch, h5py' || { echo "missing PyTorch_DDP_(gloo)" >>gradients.txt && continue; } ;;
            esac
            say "gradient, $title, $program"
            "gradient_$program" "$model" "$data" 2>>errors.txt >>gradients.txt || echo "failed $program" >>gradients.txt
        done
    done
    awk -v title="$title" -v bytes="$bytes_of" "$format"'
        !($2 in seen) { seen[$2] = 1; order[++n] = $2 }
        $1 == "gradient" { times[$2] = times[$2] " " 1e3 * $3; loss[$2] = $4; next }
        { why[$2] = $1 == "missing" ? "not installed" : "failed" }
        END { ours = middle(times["thalweg"])
            for (i = 1; i <= n; i++) { k = order[i]; name = k; gsub("_", " ", name); what = i == 1 ? title : ""
                if (!(k in times)) { printf "| %s | %s | %s | | |\n", what, name, why[k]; continue }
                m = middle(times[k]); d = loss[k] / loss["thalweg"] - 1
                printf "| %s | %s | %s | %.1f | ", what, name, figure(m, low, high, m < 10 ? 2 : 1), bytes / m / 1e6
                printf "%.2f%s |\n", m / ours, (d * d > 1e-8 ? " (another loss: not the same problem)" : "") } }' gradients.txt
}

# arrival_runs NAME SETTING...: trains in each round
arrival_runs() {
    local name=$1 round
    shift
    for ((round = 0; round < rounds; round++)); do
        say "to the optimum, thalweg $name"
        mpi "$peer_ranks" 1 "$thalweg" train solve.yaml "$@" --out "solve-$name-$round" -q 2>>errors.txt || true
    done
}
# arrivals NAME: seconds until F of these runs was within 1e-6 of the optimum, the median
arrivals() {
    local name=$1 round
    for ((round = 0; round < rounds; round++)); do
        [ -f "solve-$name-$round/metrics.jsonl" ] || continue
        awk -F'"iteration":|"seconds":|"loss":' -v best="$optimum" '{ split($2, k, ","); split($3, t, ","); split($4, f, ",")
            if (f[1] - best <= 1e-6 * best) { print t[1], k[1], (f[1] - best) / best; exit } }' "solve-$name-$round/metrics.jsonl"
    done >arrived.txt
    if [ -s arrived.txt ]; then
        awk -v name="$name" -v t="$(cut -d' ' -f1 arrived.txt | median)" \
            'NR == 1 { print "solve thalweg,_" name, t, $3, $2 "_iterations" }' arrived.txt
    else
        echo "missed thalweg,_$name 0 nan"
    fi
}

# solver MODULES NAME COMMAND...: one line, whatever happens; a fit that takes longer than it may is ended
solver() {
    local module=$1 name=$2 got=0
    shift 2
    installed "$module" || { echo "missing $name" && return; }
    say "to the optimum, $name"
    OPENBLAS_NUM_THREADS=$peer_ranks OMP_NUM_THREADS=$peer_ranks \
        timeout --foreground $((3 * limit + 60)) "$@" </dev/null 2>>errors.txt || got=$?
    [ $got != 124 ] || echo "late $name $((3 * limit + 60))"
    [ $got = 0 ] || [ $got = 124 ] || echo "failed $name"
}

optima() {
    local name l2=1e-5
    mpi 1 1 "$thalweg" generate -o solve.h5 --task logistic --rows "$peer_rows" --features "$peer_features" \
        --condition 100 --type f32 --seed 2 >/dev/null
    cat >solve.yaml <<YAML
data: {train: solve.h5}
model: {type: logistic, l2: $l2}
stop: {gradient_norm: 1e-6, max_iterations: 2000}
reduction: {mode: reproducible}
checkpoint: {every: never}
YAML
    # by |g|^2 / (2 l2): F is within 5e-8 of its minimum when these end, newton far closer
    arrival_runs lbfgs
    arrival_runs lbfgs-gram --set optimizer.preconditioner=gram
    arrival_runs newton --set optimizer.type=newton --set stop.gradient_norm=1e-10
    optimum=$(sed -n 's/.*"loss":\([0-9.e-]*\).*/\1/p' solve-*/metrics.jsonl | sort -g | sed -n 1p)
    {
        for name in lbfgs lbfgs-gram newton; do arrivals $name; done
        for name in lbfgs:float64 newton-cholesky:float32 newton-cholesky:float64 liblinear:float64; do
            solver 'sklearn, h5py' "scikit-learn,_${name%:*},_${name#*:}" "$python" "$here/solve_sklearn.py" \
                solve.h5 $l2 "$optimum" "${name%:*}" "${name#*:}" "$rounds" "$limit"
        done
        solver 'xgboost, h5py' xgboost,_gblinear "$python" "$here/solve_xgboost.py" \
            solve.h5 $l2 "$optimum" "$peer_ranks" $(((limit + 2) / 3))
    } >optima.txt
    rm -f solve.h5
    awk '{ name = $2; gsub("_", " ", name); setting = $5; gsub("_", " ", setting)
          row[NR] = "| " name " | "
          if ($1 == "missing") row[NR] = row[NR] "not installed | | | |"
          if ($1 == "failed") row[NR] = row[NR] "failed | | | |"
          if ($1 == "late") row[NR] = row[NR] "> " $3 " | | | |"
          if ($1 == "missed") row[NR] = row[NR] "not reached | " sprintf("%.1e", $4) " | " setting " | |"
          if ($1 != "solve") next
          if ($4 < -1e-8) print "run: " name " is below the least loss of thalweg" >"/dev/stderr"
          time[NR] = $3
          row[NR] = row[NR] sprintf("%.3g | %.1e | %s | ", $3, $4, setting)
          if (name ~ /^thalweg/ && (!ours || $3 < ours)) ours = $3 }
        END { for (i = 1; i <= NR; i++) print row[i] (i in time ? (ours ? sprintf("%.1f |", time[i] / ours) : "|") : "") }' optima.txt
}

section_optimum() {
    local m=$peer_rows n=$peer_features
    echo
    echo "To the optimum: seconds until F − F* ≤ 1e-6 F*, logistic $m x $n, condition 100, l2 1e-5, the intercept not penalised;"
    echo "thalweg on $peer_ranks ranks, the others in one process of $peer_ranks threads, reading left out;"
    echo "not reached: $limit s of trying were not enough, the best is shown:"
    echo
    echo '| program | seconds | (F − F*) / F* | by | times the time of the fastest of thalweg |'
    echo '| --- | ---: | ---: | --- | ---: |'
    optima
}

section_peers() {
    local m=$peer_rows n=$peer_features rows features classes
    peer_ranks=$((cores < 2 ? 1 : 2))
    : >errors.txt
    IFS=x read -r rows features classes <<<"$softmax"
    mpi 1 1 "$thalweg" generate -o logistic.h5 --task logistic --rows "$m" --features "$n" --type f32 --seed 1 >/dev/null
    mpi 1 1 "$thalweg" generate -o softmax.h5 --task softmax --rows "$rows" --features "$features" --classes "$classes" \
        --type f32 --seed 1 >/dev/null
    echo "A gradient, $peer_ranks ranks of one thread each, the same file in float32 (medians of $rounds):"
    echo
    echo '| problem | program | ms a gradient | GB/s | times the time of thalweg |'
    echo '| --- | --- | ---: | ---: | ---: |'
    gradients "logistic $m x $n" logistic logistic.h5 $((m * n * 4))
    gradients "softmax $rows x $features x $classes" softmax softmax.h5 $((rows * features * 4))
    rm -f logistic.h5 softmax.h5
    ! wanted optimum || section_optimum
    [ ! -s errors.txt ] || sed 's/^/run: /' errors.txt >&2
}
