<?php
// Offline check of a RustBill licence file. PHP 8.1 with the extension sodium, which comes with PHP.
declare(strict_types=1);

const DAY = 86_400;

function decodeBlock(string $block): ?string
{
    $text = preg_replace('/[ \t\r\n]/', '', $block);
    $raw = base64_decode($text, true);
    return $raw !== false && base64_encode($raw) === $text ? $raw : null;
}

function thumbprint(string $x): string
{
    $hash = hash('sha256', '{"crv":"Ed25519","kty":"OKP","x":"' . $x . '"}', true);
    return sodium_bin2base64($hash, SODIUM_BASE64_VARIANT_URLSAFE_NO_PADDING);
}

function wellFormed(stdClass $p): bool
{
    $whole = fn (string $name, int $least): bool => is_int($p->$name ?? null) && $p->$name >= $least;
    foreach (['licenseId', 'customerId', 'customerName', 'productId', 'productName', 'issuedAt', 'expiresAt'] as $name) {
        if (!is_string($p->$name ?? null)) {
            return false;
        }
    }
    return preg_match('/^[A-Z0-9][A-Z0-9-]{2,62}[A-Z0-9]$/D', $p->licenseId) === 1
        && preg_match('/^[0-9]{4}-[0-9]{2}-[0-9]{2}$/D', $p->issuedAt) === 1
        && preg_match('/^[0-9]{4}-[0-9]{2}-[0-9]{2}$/D', $p->expiresAt) === 1
        && is_array($p->features ?? null)
        && array_filter($p->features, fn ($name) => !is_string($name)) === []
        && ($p->entitlements ?? null) instanceof stdClass
        && (!property_exists($p, 'maxActivations') || $whole('maxActivations', 1))
        && $whole('iat', 0)
        && $whole('seq', 1)
        && (property_exists($p, 'exp') ? $whole('exp', 0) : $p->expiresAt === '9999-12-31');
}

/**
 * @param string[] $trusted the `x` of each key
 * @param float $now Unix seconds
 * @param array<string, array{highestIat: int, highestSeq: int, latestNow?: int, serverTime?: int, revoked?: bool}> $seen
 *     by licence key
 * @return array{string, ?stdClass} "valid" or a reason, and the payload when the signature is genuine: then store what
 *     `remember` answers
 */
function verify(string $file, array $trusted, string $productId, float $now, float $graceDays = 0, array $seen = []): array
{
    $body = '([A-Za-z0-9+\/= \t\r\n]*+)';
    $form = "/\\A[ \\t\\r\\n]*+-----BEGIN LICENSE-----{$body}-----END LICENSE-----"
        . "[ \\t\\r\\n]*+-----BEGIN SIGNATURE-----{$body}-----END SIGNATURE-----[ \\t\\r\\n]*+\\z/";
    if (strlen($file) > 65_536 || preg_match($form, $file, $blocks) !== 1) {
        return ['malformed', null];
    }
    [$payload, $signature] = [decodeBlock($blocks[1]), decodeBlock($blocks[2])];
    if ($payload === null || $signature === null || strlen($signature) !== SODIUM_CRYPTO_SIGN_BYTES) {
        return ['malformed', null];
    }
    $licence = json_decode($payload); // null when it is not JSON, or not UTF-8
    $named = $licence instanceof stdClass && property_exists($licence, 'kid');
    if (!$licence instanceof stdClass || ($named && !is_string($licence->kid))) {
        return ['malformed', null];
    }

    $keys = array_filter($trusted, fn (string $x): bool => !$named || thumbprint($x) === $licence->kid);
    if ($keys === []) {
        return ['unknown_key', null];
    }
    $fits = fn (string $x): bool => sodium_crypto_sign_verify_detached(
        $signature,
        $payload,
        sodium_base642bin($x, SODIUM_BASE64_VARIANT_URLSAFE_NO_PADDING),
    );
    if (array_filter($keys, $fits) === []) {
        return ['bad_signature', null];
    }
    if (!wellFormed($licence)) {
        return ['malformed', null];
    }

    $last = $seen[$licence->licenseId] ?? ['highestIat' => 0, 'highestSeq' => 0];
    if ($last['revoked'] ?? false) {
        return ['revoked', $licence];
    }
    // Times of the server count whatever the licence, that of this machine's clock for the newest file only.
    $known = $licence->seq <= $last['highestSeq'] ? $last['latestNow'] ?? 0 : 0;
    foreach ($seen as $one) {
        $known = max($known, $one['highestIat'], $one['serverTime'] ?? 0);
    }
    if (property_exists($licence, 'exp') && max($now, $known) >= $licence->exp + $graceDays * DAY) {
        return ['expired', $licence];
    }
    if ($licence->iat > $now + DAY) {
        return ['clock_rolled_back', $licence];
    }
    if ($licence->iat < $last['highestIat'] || $licence->seq < $last['highestSeq']) {
        return ['file_rolled_back', $licence];
    }
    if ($now < $known - DAY) {
        return ['clock_rolled_back', $licence];
    }
    return [$licence->productId === $productId ? 'valid' : 'wrong_product', $licence];
}

/** What to store after a genuine file was looked at, whatever the answer was. */
function remember(array $seen, stdClass $licence, float $now): array
{
    $next = $seen[$licence->licenseId] ?? ['highestIat' => 0, 'highestSeq' => 0];
    if ($licence->seq > $next['highestSeq']) {
        unset($next['latestNow']);
    }
    if (property_exists($licence, 'exp')) {
        $next['latestNow'] = max($next['latestNow'] ?? 0, (int) floor($now), 0);
    }
    $next['highestIat'] = max($licence->iat, $next['highestIat']);
    $next['highestSeq'] = max($licence->seq, $next['highestSeq']);
    return [...$seen, $licence->licenseId => $next];
}
