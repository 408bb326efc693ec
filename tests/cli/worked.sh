#!/usr/bin/env bash
# Every number of the worked examples comes out of `thalweg train configs/...`: iterates, optimum, iteration counts within
# 1 %, divergence with exit 79 and the advice.   worked.sh THALWEG SOURCE_DIR
set -euo pipefail
thalweg=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp -r "$2/configs" "$work/configs"
cd "$work"
mkdir data

fail() { echo "FAILED: $*"; exit 1; }
train() { # configuration, expected exit code, further arguments
    local code=0
    timeout 60 mpirun --oversubscribe -n 2 "$thalweg" train "configs/$1.yaml" "${@:3}" </dev/null >"$1.log" 2>"$1.err" || code=$?
    [ "$code" = "$2" ] || { cat "$1.log" "$1.err"; fail "$1 ended with $code, not $2"; }
}
value() { # run, key of summary.json
    sed -n "s/^ *\"$2\": \"\{0,1\}\([^\",]*\)\"\{0,1\},*\$/\1/p" "runs/$1/summary.json" | head -n 1
}
close() { # what, got, want, relative tolerance
    awk -v g="$2" -v w="$3" -v t="$4" 'BEGIN { d = g - w; if (d < 0) d = -d; a = w < 0 ? -w : w; exit !(g != "" && d <= t * a) }' ||
        fail "$1 is '$2', not $3 (tolerance $4)"
}
loss_at() { # run, iteration
    sed -n "s/^{\"iteration\":$2,.*\"loss\":\([^,]*\),.*/\1/p" "runs/$1/metrics.jsonl"
}
is() { [ "$2" = "$3" ] || fail "$1 is '$2', not '$3'"; }
coefficients() { h5dump -d "$2" -m %.17g "runs/$1/model.h5" | sed -n 's/^ *([0-9,]*): //p' | tr -d '\n' | tr ',' ' '; }

# One parameter: the loss of each iterate, F = (theta - 1)^2 + 4 at 1.6, 1.12, 1.024, 1.0048.
train parabola-1 0
for pair in 0:4 1:1.6 2:1.12 3:1.024 4:1.0048; do
    theta=${pair#*:}
    close "J($theta)" "$(loss_at parabola-1 "${pair%%:*}")" "$(awk -v t="$theta" 'BEGIN { printf "%.17g", (t - 1) ^ 2 + 4 }')" 1e-15
done
close "J at the minimum" "$(value parabola-1 loss)" 4 1e-15
train parabola-3 0
for pair in 0:8 1:7 2:6.2 3:5.56 4:5.048; do
    theta=${pair#*:}
    close "J($theta)" "$(loss_at parabola-3 "${pair%%:*}")" "$(awk -v t="$theta" 'BEGIN { printf "%.17g", (t - 3) ^ 2 }')" 2e-15
done

# A line through noise lands on the least-squares line of its sample, here from the normal equations in awk.
timeout 60 "$thalweg" generate -o data/line.h5 --task linear --rows 100 --features 1 --uniform 0,2 --coefficients 3 --intercept 4 \
    --noise 1 --seed 1 --type f64 </dev/null >generate.log
train line 0
paste <(h5dump -w 1 -d /X -m %.17g data/line.h5 | sed -n 's/^ *([0-9,]*): //p' | tr -d ',') \
    <(h5dump -w 1 -d /y -m %.17g data/line.h5 | sed -n 's/^ *([0-9,]*): //p' | tr -d ',') |
    awk '{ n++; x += $1; y += $2; X[n] = $1; Y[n] = $2 }
        END { for (i = 1; i <= n; i++) { a += (X[i] - x / n) * (Y[i] - y / n); b += (X[i] - x / n) ^ 2 }
              printf "%d %.17g %.17g\n", n, a / b, y / n - a / b * x / n }' >line.txt
read -r rows slope intercept <line.txt
is "rows of the line" "$rows" 100
close "slope" "$(coefficients line /coef_)" "$slope" 1e-12
close "intercept" "$(coefficients line /intercept_)" "$intercept" 1e-12

# Bank credit.
train credit-unscaled 79
close "F at (1,1,1,1)" "$(loss_at credit-unscaled 0)" 285430341.8125 1e-15
close "gradient norm at (1,1,1,1)" "$(sed -n 's/.*"iteration":0,.*"gradient_norm":\([^,]*\),.*/\1/p' runs/credit-unscaled/metrics.jsonl)" \
    "$(awk 'BEGIN { printf "%.17g", sqrt(23406.125 ^ 2 + 267348187.5 ^ 2 + 654546750 ^ 2 + 1929760.25 ^ 2) }')" 1e-14
close "F after one step" "$(loss_at credit-unscaled 1)" 2.2e22 0.02
grep -q "need scaling" credit-unscaled.err || fail "no advice to scale"
is "reason" "$(value credit-unscaled reason)" diverged

train credit 0
close "iterations" "$(value credit iterations)" 14700 0.01
close "F" "$(value credit loss)" 696347.79318 1e-11
is "reason" "$(value credit reason)" gradient_norm
close "intercept" "$(coefficients credit /intercept_)" -3320.507 1e-6
read -r salary savings area <<<"$(coefficients credit /coef_)"
close salary "$salary" 3.309935 1e-6
close savings "$savings" 0.778708 1e-6
close area "$area" 91.4261 1e-6
read -r salary savings area <<<"$(coefficients credit /coef_scaled_)"
close "scaled salary" "$salary" 7516.450 1e-6
close "scaled savings" "$savings" 5929.662 1e-6
close "scaled area" "$area" 966.416 1e-6
close "scaled intercept" "$(coefficients credit /intercept_scaled_)" 61087.5 1e-8

train credit-too-short 0
is "reason of the short step" "$(value credit-too-short reason)" iteration_limit
close "F of the short step" "$(value credit-too-short loss)" 808580.03 1e-8
grep -q "timid" credit-too-short.log || fail "nothing said about the timid steps"
train credit-right 0
close "iterations of the right step" "$(value credit-right iterations)" 2930 0.01
train credit-too-long 79
train credit-edge 0
grep -q "the loss rises" credit-edge.log || fail "nothing said about the rising loss"
for method in credit-lbfgs credit-backtracking credit-momentum; do
    train "$method" 0
    close "F by $method" "$(value "$method" loss)" 696347.793181238 1e-10
done
train credit-inverse 0
train cancer-logistic 0
close "F of cancer-logistic" "$(value cancer-logistic loss)" 0.09959137548470548 1e-10
train digits-softmax 0
close "F of digits-softmax" "$(value digits-softmax loss)" 0.23335031149783947 1e-9
echo "all worked examples agree"
