/** What anybody can work out of a market's documents without a daemon. */
export { auction, type Outturn } from './auction.ts'
export type { Order } from './order.ts'
export { orderSides, orderSteps } from './steps.ts'
export { auctionYardstick, auditYardstick, signingYardstick } from './yardstick.ts'
