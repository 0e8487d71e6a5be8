// Offline check of a RustBill licence file. .NET 8 with the package BouncyCastle.Cryptography (2.x).
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using Org.BouncyCastle.Math.EC.Rfc8032;

/// <summary>What this machine remembers of one licence; in JSON the same names, beginning in lower case.</summary>
public record Seen(long HighestIat, long HighestSeq, long? LatestNow = null, long? ServerTime = null, bool Revoked = false);

public static class LicenseFile
{
    const long Day = 86_400;
    const string Body = @"([A-Za-z0-9+/= \t\r\n]*)";
    static readonly Regex Form = new(
        @"\A[ \t\r\n]*-----BEGIN LICENSE-----" + Body + @"-----END LICENSE-----" +
        @"[ \t\r\n]*-----BEGIN SIGNATURE-----" + Body + @"-----END SIGNATURE-----[ \t\r\n]*\z",
        RegexOptions.CultureInvariant);

    /// <summary>Answers "valid" or a reason. trusted: the x of each key; now: Unix seconds; seen: by licence key.
    /// With a licence, store what Remember answers.</summary>
    public static (string Answer, JsonElement? Licence) Verify(
        byte[] file, IEnumerable<string> trusted, string productId, double now, double graceDays = 0,
        IReadOnlyDictionary<string, Seen>? seen = null)
    {
        if (file.Length > 65_536) return ("malformed", null);
        var blocks = Form.Match(Encoding.Latin1.GetString(file));
        var payload = blocks.Success ? Decode(blocks.Groups[1].Value) : null;
        var signature = blocks.Success ? Decode(blocks.Groups[2].Value) : null;
        if (payload is null || signature is not { Length: 64 }) return ("malformed", null);
        JsonElement licence;
        try
        {
            using var document = JsonDocument.Parse(new UTF8Encoding(false, true).GetString(payload));
            licence = document.RootElement.Clone();
        }
        catch (Exception error) when (error is JsonException or ArgumentException)
        {
            return ("malformed", null);
        }
        if (licence.ValueKind != JsonValueKind.Object) return ("malformed", null);
        var named = licence.TryGetProperty("kid", out var kid);
        if (named && kid.ValueKind != JsonValueKind.String) return ("malformed", null);

        var keys = trusted.Where(x => !named || Thumbprint(x) == kid.GetString()).ToList();
        if (keys.Count == 0) return ("unknown_key", null);
        if (!keys.Any(x => Ed25519.Verify(signature, 0, FromBase64Url(x), 0, payload, 0, payload.Length)))
            return ("bad_signature", null);
        if (!WellFormed(licence)) return ("malformed", null);

        long iat = licence.GetProperty("iat").GetInt64(), seq = licence.GetProperty("seq").GetInt64();
        var last = seen?.GetValueOrDefault(licence.GetProperty("licenseId").GetString()!) ?? new Seen(0, 0);
        if (last.Revoked) return ("revoked", licence);
        // Times of the server count whatever the licence, that of this machine's clock for the newest file only.
        var known = seq <= last.HighestSeq ? last.LatestNow ?? 0 : 0;
        foreach (var one in seen?.Values ?? []) known = Math.Max(known, Math.Max(one.HighestIat, one.ServerTime ?? 0));
        if (licence.TryGetProperty("exp", out var exp) && Math.Max(now, known) >= exp.GetInt64() + graceDays * Day)
            return ("expired", licence);
        if (iat > now + Day) return ("clock_rolled_back", licence);
        if (iat < last.HighestIat || seq < last.HighestSeq) return ("file_rolled_back", licence);
        if (now < known - Day) return ("clock_rolled_back", licence);
        return (licence.GetProperty("productId").GetString() == productId ? "valid" : "wrong_product", licence);
    }

    /// <summary>What to store after a genuine file was looked at, whatever the answer was.</summary>
    public static Dictionary<string, Seen> Remember(IReadOnlyDictionary<string, Seen> seen, JsonElement licence, double now)
    {
        var key = licence.GetProperty("licenseId").GetString()!;
        long iat = licence.GetProperty("iat").GetInt64(), seq = licence.GetProperty("seq").GetInt64();
        var last = seen.GetValueOrDefault(key) ?? new Seen(0, 0);
        var own = seq <= last.HighestSeq ? last.LatestNow : null;
        if (licence.TryGetProperty("exp", out _)) own = Math.Max(own ?? 0, Math.Max(0, (long)Math.Floor(now)));
        var next = last with
        {
            HighestIat = Math.Max(iat, last.HighestIat), HighestSeq = Math.Max(seq, last.HighestSeq), LatestNow = own,
        };
        return new Dictionary<string, Seen>(seen) { [key] = next };
    }

    static byte[]? Decode(string block)
    {
        var text = Regex.Replace(block, @"[ \t\r\n]", "");
        var raw = new byte[text.Length];
        if (!Convert.TryFromBase64String(text, raw, out var length)) return null;
        raw = raw[..length];
        return Convert.ToBase64String(raw) == text ? raw : null;
    }

    static byte[] FromBase64Url(string text) => Convert.FromBase64String(text.Replace('-', '+').Replace('_', '/') + "=");

    static string Thumbprint(string x)
    {
        var hash = SHA256.HashData(Encoding.ASCII.GetBytes($$"""{"crv":"Ed25519","kty":"OKP","x":"{{x}}"}"""));
        return Convert.ToBase64String(hash).TrimEnd('=').Replace('+', '-').Replace('/', '_');
    }

    static bool WellFormed(JsonElement licence)
    {
        string? Text(string name) =>
            licence.TryGetProperty(name, out var it) && it.ValueKind == JsonValueKind.String ? it.GetString() : null;
        bool Has(string name) => licence.TryGetProperty(name, out _);
        bool Whole(string name, long least) =>
            licence.TryGetProperty(name, out var it) && it.ValueKind == JsonValueKind.Number &&
            it.TryGetInt64(out var number) && number >= least;
        bool Like(string name, string form) => Text(name) is { } text && Regex.IsMatch(text, $@"\A{form}\z");
        return new[] { "customerId", "customerName", "productId", "productName" }.All(name => Text(name) is not null)
            && Like("licenseId", "[A-Z0-9][A-Z0-9-]{2,62}[A-Z0-9]")
            && Like("issuedAt", "[0-9]{4}-[0-9]{2}-[0-9]{2}") && Like("expiresAt", "[0-9]{4}-[0-9]{2}-[0-9]{2}")
            && licence.TryGetProperty("features", out var features) && features.ValueKind == JsonValueKind.Array
            && features.EnumerateArray().All(name => name.ValueKind == JsonValueKind.String)
            && licence.TryGetProperty("entitlements", out var all) && all.ValueKind == JsonValueKind.Object
            && (!Has("maxActivations") || Whole("maxActivations", 1))
            && Whole("iat", 0) && Whole("seq", 1)
            && (Has("exp") ? Whole("exp", 0) : Text("expiresAt") == "9999-12-31");
    }
}
