#!/usr/bin/env bash
# The loss surface of a line fitted to points, and the ways of steepest descent over it with steps too short, right and too
# long: FOLDER/surface.svg. A run keeps no parameters of its iterations, so each point is a run of its own that stops there; a
# point that is not w - alpha g of the one before, by arithmetic in this script, ends it with code 1. Half a minute.
#
#   tests/bench/surface.sh FOLDER [THALWEG]      needs gnuplot and h5dump
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
[ $# -ge 1 ] || { sed -n '2,6s/^# \{0,1\}//p' "$0" && exit 64; }
mkdir -p -- "$1"
folder=$(realpath -- "$1") thalweg=$(realpath -e -- "${2:-$root/build/release/thalweg}")
# shellcheck source=launch/env.sh
. "$root/launch/env.sh"
work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT
cd -- "$work"

# The data of configs/line.yaml. With means n1 = 1, x, xx, y, xy, yy: 2 F = yy - 2 b y - 2 w xy + b^2 + 2 b w x + w^2 xx.
"$thalweg" generate -o line.h5 --task linear --rows 100 --features 1 --uniform 0,2 --coefficients 3 --intercept 4 --noise 1 \
    --seed 1 --type f64 >/dev/null
numbers() { h5dump -d "$2" -m %.17g -y -w 1 "$1" | awk '/DATA \{/ { on = 1; next } /\}/ { on = 0 } on && /[0-9]/ { gsub(/[ ,]/, ""); print }'; }
paste <(numbers line.h5 /X) <(numbers line.h5 /y) >points.txt
means=$(awk '{ x += $1; xx += $1 * $1; y += $2; xy += $1 * $2; yy += $2 * $2 }
    END { printf "%.17g %.17g %.17g %.17g %.17g", x / NR, xx / NR, y / NR, xy / NR, yy / NR }' points.txt)
read -r x xx y xy yy <<<"$means"

# way NAME LENGTH ITERATION...: NAME.txt with lines "iteration b w"
way() {
    local name=$1 length=$2 k
    shift 2
    for k in "$@"; do
        "$thalweg" train "$root/configs/line.yaml" -q --out "$name-$k" --set data.train=line.h5 --set step.length="$length" \
            --set stop.max_iterations="$k" --set stop.divergence_factor=1e9 </dev/null
        echo "$k $(numbers "$name-$k/model.h5" /intercept_) $(numbers "$name-$k/model.h5" /coef_)"
    done >"$name.txt"
    awk -v a="$length" -v x="$x" -v xx="$xx" -v y="$y" -v xy="$xy" '
        { for (; k < $1; k++) { gb = b + w * x - y; gw = b * x + w * xx - xy; b -= a * gb; w -= a * gw }
          if ((b - $2) ^ 2 + (w - $3) ^ 2 > 1e-18 * (1 + b * b + w * w)) {
              printf "iteration %d: thalweg is at %s %s, steepest descent at %.17g %.17g\n", k, $2, $3, b, w; wrong = 1; exit } }
        END { exit wrong || NR < 2 }' b=0 w=0 k=0 "$name.txt" || { echo "$name: not the way of steepest descent" >&2; exit 1; }
}
# 2/L, L the larger eigenvalue of the second derivatives (1 x; x xx)
edge=$(awk -v x="$x" -v xx="$xx" 'BEGIN { printf "%.6f", 4 / (1 + xx + sqrt((1 - xx) ^ 2 + 4 * x * x)) }')
long=$(awk -v edge="$edge" 'BEGIN { printf "%.3f", 1.03 * edge }')
way short 0.02 0 1 2 3 4 5 6 8 10 12 15 20 25 30 40 50 75 100
way right 0.5 0 1 2 3 4 5 6 7 8 9 10 12 15 20 25 30 40 60 100
way long "$long" 0 1 2 3 4 5 6 7 8 9 10 11 12

cat >surface.gp <<GNUPLOT
D = $xx - $x * $x
wm = ($xy - $x * $y) / D
bm = $y - wm * $x
# F = F* + c on the ellipse u = sqrt(2 c) (cos t, sin t), u = (b - b* + x (w - w*), sqrt(D) (w - w*))
w(c, t) = wm + sqrt(2 * c / D) * sin(t)
b(c, t) = bm + sqrt(2 * c) * cos(t) - $x * (w(c, t) - wm)
set parametric
set trange [0:2 * pi]
set samples 120
set xrange [-3:11.5]
set yrange [-5.5:11]
set encoding utf8
set terminal svg enhanced size 800, 640 font 'sans-serif,13' background 'white'
set border 3 linecolor rgb '#9A9A9A'
set tics nomirror scale 0.6 textcolor rgb '#404040'
set xlabel 'intercept b'
set ylabel 'slope w'
set key outside top left horizontal Left reverse samplen 3 maxcols 2 textcolor rgb '#202020'
set label '' at bm, wm point pointtype 2 pointsize 1.2 linewidth 2 linecolor rgb '#000000' front
levels = '0.05 0.3 0.8 1.6 3 5 8 12 18 26 36'
plot for [c in levels] b(c + 0, t), w(c + 0, t) with lines linewidth 0.8 linecolor rgb '#C0C0C0' notitle, \
    NaN, NaN with lines linewidth 0.8 linecolor rgb '#C0C0C0' title 'lines of equal loss', \
    'long.txt' using 2:3 with linespoints linewidth 1.6 pointtype 7 pointsize 0.5 linecolor rgb '#D55E00' \
        title 'too long: α = $long, 12 steps', \
    'right.txt' using 2:3 with linespoints linewidth 1.6 pointtype 7 pointsize 0.5 linecolor rgb '#0072B2' \
        title 'right: α = 0.5, 100 steps (2/L = $edge)', \
    'short.txt' using 2:3 with linespoints linewidth 1.6 pointtype 7 pointsize 0.5 linecolor rgb '#009E73' \
        title 'too short: α = 0.02, 100 steps'
GNUPLOT
gnuplot -d surface.gp >surface.svg
[ -s surface.svg ] || { echo "gnuplot drew nothing" >&2; exit 1; }
cp surface.svg "$folder/surface.svg"
echo "wrote $folder/surface.svg"
