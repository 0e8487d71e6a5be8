// Package license checks RustBill licence files offline. Standard library only.
package license

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"math"
	"regexp"
	"strings"
	"unicode/utf8"
)

const day = 86400

const body = `([A-Za-z0-9+/= \t\r\n]*)`

var (
	file = regexp.MustCompile(`\A[ \t\r\n]*-----BEGIN LICENSE-----` + body + `-----END LICENSE-----` +
		`[ \t\r\n]*-----BEGIN SIGNATURE-----` + body + `-----END SIGNATURE-----[ \t\r\n]*\z`)
	key   = regexp.MustCompile(`\A[A-Z0-9][A-Z0-9-]{2,62}[A-Z0-9]\z`)
	date  = regexp.MustCompile(`\A[0-9]{4}-[0-9]{2}-[0-9]{2}\z`)
	blank = strings.NewReplacer(" ", "", "\t", "", "\r", "", "\n", "")
)

// Seen is what this machine remembers of one licence.
type Seen struct {
	HighestIat float64  `json:"highestIat"`
	HighestSeq float64  `json:"highestSeq"`
	LatestNow  *float64 `json:"latestNow,omitempty"`
	ServerTime *float64 `json:"serverTime,omitempty"`
	Revoked    bool     `json:"revoked,omitempty"`
}

// known is the latest time seen: those of the server whatever the licence, that of this machine's clock for the newest
// file only.
func known(seen map[string]Seen, last Seen, seq float64) float64 {
	latest := 0.0
	for _, one := range seen {
		latest = math.Max(latest, one.HighestIat)
		if one.ServerTime != nil {
			latest = math.Max(latest, *one.ServerTime)
		}
	}
	if last.LatestNow != nil && seq <= last.HighestSeq {
		latest = math.Max(latest, *last.LatestNow)
	}
	return latest
}

// Remember answers what to store after a genuine file was looked at, whatever the answer was.
func Remember(seen map[string]Seen, licence map[string]any, now float64) map[string]Seen {
	id, iat, seq := licence["licenseId"].(string), licence["iat"].(float64), licence["seq"].(float64)
	next := seen[id]
	if seq > next.HighestSeq {
		next.LatestNow = nil
	}
	if _, ends := licence["exp"]; ends {
		own := math.Max(0, math.Floor(now))
		if next.LatestNow != nil {
			own = math.Max(own, *next.LatestNow)
		}
		next.LatestNow = &own
	}
	next.HighestIat, next.HighestSeq = math.Max(iat, next.HighestIat), math.Max(seq, next.HighestSeq)
	all := map[string]Seen{}
	for key, one := range seen {
		all[key] = one
	}
	all[id] = next
	return all
}

// Verify answers "valid" or a reason, and the payload when the signature is genuine. trusted holds the x of each key,
// now is in Unix seconds, seen maps licence keys to what was seen of them. The payload is a map because encoding/json
// would take "EXP" for "exp" in a struct. With a payload, store what Remember answers.
func Verify(content []byte, trusted []string, productID string, now, graceDays float64, seen map[string]Seen) (string, map[string]any) {
	if len(content) > 65536 {
		return "malformed", nil
	}
	blocks := file.FindSubmatch(content)
	if blocks == nil {
		return "malformed", nil
	}
	payload, err1 := base64.StdEncoding.Strict().DecodeString(blank.Replace(string(blocks[1])))
	signature, err2 := base64.StdEncoding.Strict().DecodeString(blank.Replace(string(blocks[2])))
	if err1 != nil || err2 != nil || len(signature) != ed25519.SignatureSize || !utf8.Valid(payload) {
		return "malformed", nil
	}
	var licence map[string]any
	if json.Unmarshal(payload, &licence) != nil || licence == nil {
		return "malformed", nil
	}
	kid, named := licence["kid"]
	if _, text := kid.(string); named && !text {
		return "malformed", nil
	}

	reason := "unknown_key"
	for _, x := range trusted {
		if named && thumbprint(x) != kid {
			continue
		}
		public, err := base64.RawURLEncoding.Strict().DecodeString(x)
		if err != nil || len(public) != ed25519.PublicKeySize {
			panic("a trusted key is not the x of an Ed25519 key")
		}
		if ed25519.Verify(public, payload, signature) {
			reason = ""
			break
		}
		reason = "bad_signature"
	}
	if reason != "" {
		return reason, nil
	}
	if !wellFormed(licence) {
		return "malformed", nil
	}

	iat, seq := licence["iat"].(float64), licence["seq"].(float64)
	last := seen[licence["licenseId"].(string)]
	if last.Revoked {
		return "revoked", licence
	}
	latest := known(seen, last, seq)
	if exp, ends := licence["exp"].(float64); ends && math.Max(now, latest) >= exp+graceDays*day {
		return "expired", licence
	}
	if iat > now+day {
		return "clock_rolled_back", licence
	}
	if iat < last.HighestIat || seq < last.HighestSeq {
		return "file_rolled_back", licence
	}
	if now < latest-day {
		return "clock_rolled_back", licence
	}
	if licence["productId"] != productID {
		return "wrong_product", licence
	}
	return "valid", licence
}

func thumbprint(x string) string {
	sum := sha256.Sum256([]byte(`{"crv":"Ed25519","kty":"OKP","x":"` + x + `"}`))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

func wellFormed(licence map[string]any) bool {
	for _, name := range []string{"customerId", "customerName", "productId", "productName"} {
		if _, text := licence[name].(string); !text {
			return false
		}
	}
	id, _ := licence["licenseId"].(string)
	issued, _ := licence["issuedAt"].(string)
	expires, _ := licence["expiresAt"].(string)
	if !key.MatchString(id) || !date.MatchString(issued) || !date.MatchString(expires) {
		return false
	}
	features, list := licence["features"].([]any)
	for _, name := range features {
		if _, text := name.(string); !text {
			return false
		}
	}
	if _, object := licence["entitlements"].(map[string]any); !list || !object {
		return false
	}
	if most, limited := licence["maxActivations"]; limited && !whole(most, 1) {
		return false
	}
	exp, ends := licence["exp"]
	if ends && !whole(exp, 0) || !ends && expires != "9999-12-31" {
		return false
	}
	return whole(licence["iat"], 0) && whole(licence["seq"], 1)
}

func whole(value any, least float64) bool {
	number, is := value.(float64)
	return is && number >= least && number == math.Trunc(number) && number <= 1<<53
}
