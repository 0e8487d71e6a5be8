#!/bin/sh
# Offline check of a RustBill licence file with OpenSSL 3 and jq, for one trusted key. It knows dates only: a licence is
# good through the whole (UTC) day of expiresAt. It keeps no state, so it cannot notice an older file.
#   verify.sh FILE PUBLIC_KEY.pem PRODUCT_ID [TODAY as YYYY-MM-DD]
set -eu
file=$1 key=$2 product=$3 today=${4:-$(date -u +%F)}
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
[ "$(printf '%s\n%s\n' "$today" "$expires" | sort | head -n 1)" = "$today" ] || answer expired
jq -e --arg product "$product" '.productId == $product' "$work/1" >/dev/null || answer wrong_product
answer valid
