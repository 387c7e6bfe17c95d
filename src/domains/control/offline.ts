/** What a battery would do best, and what its house would bid, worked out without a daemon. */
export { type Battery, greedyEnd, gridKwh, type Tariff } from './battery.ts'
export { bidOf } from './bid.ts'
export { bestEnd } from './reaction.ts'
export { expectedValue, type Scenario } from './scenarios.ts'
export { type StoredValue, slotBefore, valueAtEnd } from './stored-value.ts'
export { batteryYardstick, carYardstick, heatYardstick, machineYardstick } from './yardstick.ts'
