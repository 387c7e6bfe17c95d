/** What the books can say of a document without a daemon. */
export { receiptIsGood, receiptSchema } from './receipt.ts'
