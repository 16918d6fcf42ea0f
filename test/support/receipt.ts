/** What a till of the reference make prints for one bread roll. */
export function receipt(number: number, amount = 45): Readonly<Record<string, unknown>> {
  const item = { plu: '1001', description: 'Bread roll', quantity: '1', unitPrice: '0.45', amount }
  return {
    training: false,
    businessDay: '2026-11-22',
    receiptNumber: String(number).padStart(6, '0'),
    operator: '7',
    date: '2026-11-22',
    time: '18:45:01',
    currency: 'EUR',
    items: [item],
    tenders: [{ type: 'cash', amount }],
    change: 0,
    total: amount,
  }
}
