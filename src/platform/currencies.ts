/** Active ISO 4217 codes by the decimals of their minor unit (rules M2); codes with 4 or no decimals are left out. */
const BY_EXPONENT: Record<0 | 2 | 3, string> = {
  0: 'BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF',
  2: `AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF CHE CHF CHW CNY
    COP COU CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS
    INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR
    MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP
    STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD USN UYU UZS VED VES WST XAD XCD XCG YER ZAR ZMW ZWG`,
  3: 'BHD IQD JOD KWD LYD OMR TND',
};

const EXPONENTS = new Map<string, 0 | 2 | 3>(
  ([0, 2, 3] as const).flatMap((exponent) =>
    BY_EXPONENT[exponent].split(/\s+/).map((code): [string, 0 | 2 | 3] => [code, exponent]),
  ),
);

/** Decimals of the minor unit, undefined for a code that is not accepted. Codes are upper case. */
export function currencyExponent(currency: string): 0 | 2 | 3 | undefined {
  return EXPONENTS.get(currency);
}

/** Whether amounts in this currency are accepted (rules M2). */
export function isCurrency(code: string): boolean {
  return EXPONENTS.has(code);
}

/** All accepted codes, in alphabetical order. */
export const CURRENCIES: readonly string[] = [...EXPONENTS.keys()].sort();
