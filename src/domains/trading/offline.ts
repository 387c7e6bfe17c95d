/** What trading can say of a message without a daemon. */
export { readCatalog } from './beckn/catalog-body.ts'
export { validateMessage } from './beckn/rules/validate.ts'
export { AGREED_STATES } from './trade.ts'
