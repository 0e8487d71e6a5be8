#!/bin/sh
# Offline check of a RustBill licence file with OpenSSL 3 and jq, for one trusted key. It knows dates only: a licence is
# good through the whole (UTC) day of expiresAt. With STATE, a file that it keeps, it notices older files and earlier days.
#   verify.sh FILE PUBLIC_KEY.pem PRODUCT_ID [TODAY as YYYY-MM-DD [STATE]]
set -eu
file=$1 key=$2 product=$3 today=${4:-$(date -u +%F)} state=${5:-}
export LC_ALL=C
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
answer() { echo "$1"; [ "$1" = valid ]; exit; }

[ "$(wc -c <"$file")" -le 65536 ] || answer malformed
# One line without blanks. What is not ASCII text becomes a character that fits nowhere.
text=$(tr -d ' \t\r\n' <"$file" | tr -c '\055A-Za-z0-9+/=' '?')
case $text in *'?'*) answer malformed ;; esac
# The blanks inside the markers are gone too, so look for them in the file itself.
for marker in 'BEGIN LICENSE' 'END LICENSE' 'BEGIN SIGNATURE' 'END SIGNATURE'; do
  [ "$(grep -a -o -e "-----$marker-----" "$file" | wc -l)" -eq 1 ] || answer malformed
done
body='[A-Za-z0-9+\/=]*'
form="^-----BEGINLICENSE-----\($body\)-----ENDLICENSE----------BEGINSIGNATURE-----\($body\)-----ENDSIGNATURE-----\$"
for part in 1 2; do
  base64=$(printf '%s\n' "$text" | sed -n "s/$form/\\$part/p")
  printf '%s' "$base64" | openssl base64 -d -A >"$work/$part" 2>/dev/null || answer malformed
  # Only the one canonical spelling.
  [ -n "$base64" ] && [ "$(openssl base64 -A <"$work/$part")" = "$base64" ] || answer malformed
done
[ "$(wc -c <"$work/2")" -eq 64 ] || answer malformed

openssl pkeyutl -verify -pubin -inkey "$key" -rawin -in "$work/1" -sigfile "$work/2" >/dev/null 2>&1 ||
  answer bad_signature

# From here on the payload is what the server has signed.
iconv -f UTF-8 -t UTF-8 "$work/1" >/dev/null 2>&1 || answer malformed
jq -e -s 'length == 1 and (.[0] | type == "object" and (.expiresAt | type == "string")
  and (.expiresAt | test("^[0-9]{4}-[0-9]{2}-[0-9]{2}$")) and (.productId | type == "string"))' \
  "$work/1" >/dev/null 2>&1 || answer malformed
expires=$(jq -r .expiresAt "$work/1")
# What was seen is kept whatever the answer is. A day counts from its first second to its last.
if [ -n "$state" ]; then
  [ -f "$state" ] || echo '{}' >"$state"
  jq -n --slurpfile licence "$work/1" --slurpfile seen "$state" --arg today "$today" '
    $licence[0] as $l | $seen[0] as $s | 86400 as $day | ($today + "T00:00:00Z" | fromdateiso8601) as $now
    | ($s[$l.licenseId] // {highestIat: 0, highestSeq: 0}) as $last
    | (if $l.seq <= $last.highestSeq then $last.latestNow // 0 else 0 end) as $own
    | ([$s[] | .highestIat, .serverTime // 0] + [$own] | max) as $known
    | { answer: (if $last.revoked then "revoked"
        elif $l.exp and $known >= ($l.expiresAt + "T00:00:00Z" | fromdateiso8601) + $day then "expired"
        elif $l.iat > $now + 2 * $day then "clock_rolled_back"
        elif $l.iat < $last.highestIat or $l.seq < $last.highestSeq then "file_rolled_back"
        elif $now + $day < $known - $day then "clock_rolled_back" else "" end),
      state: ($s + {($l.licenseId): ($last + {highestIat: ([$l.iat, $last.highestIat] | max),
        highestSeq: ([$l.seq, $last.highestSeq] | max)} | del(.latestNow)
        + (if $l.exp then {latestNow: ([$own, $now] | max)} else {} end))}) }' >"$work/told" 2>/dev/null ||
    answer bad_state
  jq .state "$work/told" >"$state.new" && mv "$state.new" "$state"
  told=$(jq -r .answer "$work/told")
  [ -z "$told" ] || answer "$told"
fi
[ "$(printf '%s\n%s\n' "$today" "$expires" | sort | head -n 1)" = "$today" ] || answer expired
jq -e --arg product "$product" '.productId == $product' "$work/1" >/dev/null || answer wrong_product
answer valid
