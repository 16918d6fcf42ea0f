/**
 * ISO 4217 numeric codes (list one, 2024-06) of the currencies that machines with a numeric code
 * are sold in.
 */
const NUMERIC: Readonly<Record<string, string>> = {
  '032': 'ARS',
  '036': 'AUD',
  '124': 'CAD',
  '152': 'CLP',
  '156': 'CNY',
  '170': 'COP',
  '203': 'CZK',
  '208': 'DKK',
  '344': 'HKD',
  '348': 'HUF',
  '356': 'INR',
  '360': 'IDR',
  '376': 'ILS',
  '392': 'JPY',
  '398': 'KZT',
  '410': 'KRW',
  '458': 'MYR',
  '484': 'MXN',
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
  '826': 'GBP',
  '840': 'USD',
  '933': 'BYN',
  '941': 'RSD',
  '946': 'RON',
  '949': 'TRY',
  '975': 'BGN',
  '978': 'EUR',
  '980': 'UAH',
  '985': 'PLN',
  '986': 'BRL',
}

/**
 * The currency of a vending machine's four-digit code: `1` and the ISO number (`1978` is EUR).
 * Nothing for others: `0` and a telephone code (`0049`) names a country, which may have changed its
 * money since.
 */
export function currencyOfNumber(code: string): string | undefined {
  return code.length === 4 && code.startsWith('1') ? NUMERIC[code.slice(1)] : undefined
}

/** The inverse: `1978` for EUR. */
export function numberOfCurrency(currency: string): string | undefined {
  const found = Object.entries(NUMERIC).find(([, alphabetic]) => alphabetic === currency)
  return found && `1${found[0]}`
}
