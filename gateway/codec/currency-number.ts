/**
 * ISO 4217 numeric codes (list one, 2024-06) of the currencies that machines with a numeric code
 * are sold in.
 */
const NUMERIC: Readonly<Record<string, string>> = {
  '008': 'ALL',
  '032': 'ARS',
  '036': 'AUD',
  '124': 'CAD',
  '152': 'CLP',
  '156': 'CNY',
  '170': 'COP',
  '191': 'HRK',
  '203': 'CZK',
  '208': 'DKK',
  '344': 'HKD',
  '348': 'HUF',
  '352': 'ISK',
  '356': 'INR',
  '360': 'IDR',
  '376': 'ILS',
  '392': 'JPY',
  '398': 'KZT',
  '410': 'KRW',
  '458': 'MYR',
  '484': 'MXN',
  '498': 'MDL',
  '554': 'NZD',
  '578': 'NOK',
  '643': 'RUB',
  '702': 'SGD',
  '704': 'VND',
  '710': 'ZAR',
  '752': 'SEK',
  '756': 'CHF',
  '764': 'THB',
  '784': 'AED',
  '807': 'MKD',
  '826': 'GBP',
  '840': 'USD',
  '933': 'BYN',
  '941': 'RSD',
  '946': 'RON',
  '949': 'TRY',
  '975': 'BGN',
  '977': 'BAM',
  '978': 'EUR',
  '980': 'UAH',
  '981': 'GEL',
  '985': 'PLN',
  '986': 'BRL',
}

/** `978` → `EUR`; nothing for a number that is not in the list. */
export function isoCurrency(number: string): string | undefined {
  return NUMERIC[number]
}

/** `EUR` → `978`. */
export function isoNumber(currency: string): string | undefined {
  return Object.entries(NUMERIC).find(([, alphabetic]) => alphabetic === currency)?.[0]
}

/**
 * The currency of a vending machine's four-digit code: `1` and the ISO number (`1978` is EUR).
 * Nothing for others: `0` and a telephone code (`0049`) names a country, which may have changed its
 * money since.
 */
export function currencyOfNumber(code: string): string | undefined {
  return code.length === 4 && code.startsWith('1') ? isoCurrency(code.slice(1)) : undefined
}

/** The inverse: `1978` for EUR. */
export function numberOfCurrency(currency: string): string | undefined {
  const number = isoNumber(currency)
  return number && `1${number}`
}
