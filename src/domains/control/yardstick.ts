import { atLeast, type CaseVerdict, compared, near, type Yardstick } from '../../kernel/yardstick.ts'
import { type Battery, slotCost } from './battery.ts'
import { type CarWish, planCar } from './car.ts'
import { type HeatRun, type House, planHeat, thermostat } from './heat.ts'
import { type MachineWish, planMachine } from './machine.ts'
import { bestEnd } from './reaction.ts'
import { costFrom, type StoredValue, slotBefore, valueAtEnd } from './stored-value.ts'

interface BatteryCase {
  readonly nets: readonly number[]
  readonly buys: readonly number[]
  readonly sells: readonly number[]
  readonly stored: number
  readonly battery: Battery
  readonly valueAtEnd: number
  readonly expected: { readonly cost: number }
}

type CarCase = CarWish & { readonly expected: { readonly deliveredWh: number; readonly costMicroWh: string } }

type MachineCase = MachineWish & {
  readonly expected: { readonly start: number | null; readonly costMicroWh: string | null }
}

type HeatCase = House & {
  readonly expected: Pick<HeatRun, 'cost'> & { readonly thermostat: Omit<HeatRun, 'levels'> }
}

const COST_TOLERANCE = 1e-5
/** A plan of heat may cost so much more than the reference's, and be out of the band so much, in K·slots. */
const HEAT_COST = 1.03
const HEAT_DISCOMFORT = 0.1
const THERMOSTAT_TOLERANCE = 0.001

/** The least a battery's slots can cost: what is said before them, and what living by it comes to. */
export const batteryYardstick = yardstick<BatteryCase>('battery', function* (name, one) {
  const values = valuesBack(one)
  yield near(name, one.expected.cost, costFrom(values[0] ?? valueAtEnd(one.battery, 0), one.stored), COST_TOLERANCE)
  yield near(`${name}, lived`, one.expected.cost, lived(one, values), COST_TOLERANCE)
})

export const carYardstick = yardstick<CarCase>('car', function* (name, { expected, ...wish }) {
  const { deliveredWh, costMicroWh, chargeWh } = planCar(wish)
  yield compared(name, expected, { deliveredWh, costMicroWh: String(costMicroWh) })
  const charged = chargeWh.reduce((sum, energyWh) => sum + energyWh, 0)
  yield compared(`${name}, charged`, deliveredWh, charged)
})

export const machineYardstick = yardstick<MachineCase>('machine', function* (name, { expected, ...wish }) {
  const plan = planMachine(wish)
  const said = { start: plan?.start ?? null, costMicroWh: plan === undefined ? null : String(plan.costMicroWh) }
  yield compared(name, expected, said)
})

export const heatYardstick = yardstick<HeatCase>('heat', function* (name, { expected, ...house }) {
  const [plan, plain] = [planHeat(house), thermostat(house)]
  yield atLeast(`${name}: cost`, -expected.cost * HEAT_COST, -plan.cost)
  yield atLeast(`${name}: discomfort`, -HEAT_DISCOMFORT, -plan.discomfortKSlots)
  for (const what of ['cost', 'discomfortKSlots', 'end'] as const)
    yield near(`${name}: thermostat ${what}`, expected.thermostat[what], plain[what], THERMOSTAT_TOLERANCE)
})

function yardstick<Case>(kind: string, judge: (name: string, one: Case) => Iterable<CaseVerdict>): Yardstick {
  return {
    kind,
    fits: file => typeof file === 'object' && file !== null && (file as { kind?: unknown }).kind === kind,
    *judge(file) {
      for (const [i, one] of (file as { readonly cases: readonly Case[] }).cases.entries()) yield* judge(String(i), one)
    },
  }
}

/** The value before each slot, and after the last. */
function valuesBack({ nets, buys, sells, battery, valueAtEnd: worth }: BatteryCase): StoredValue[] {
  const values = [valueAtEnd(battery, worth)]
  for (let slot = nets.length - 1; slot >= 0; slot--) {
    const [after] = values
    const tariff = { buy: buys[slot] ?? 0, sell: sells[slot] ?? 0 }
    if (after !== undefined) values.unshift(slotBefore(after, battery, nets[slot] ?? 0, tariff))
  }
  return values
}

function lived({ nets, buys, sells, battery, stored, valueAtEnd: worth }: BatteryCase, values: readonly StoredValue[]) {
  let [storedKwh, cost] = [stored, 0]
  for (const [slot, netKwh] of nets.entries()) {
    const tariff = { buy: buys[slot] ?? 0, sell: sells[slot] ?? 0 }
    const after = values[slot + 1] ?? valueAtEnd(battery, worth)
    const end = bestEnd(battery, after, { netKwh, storedKwh, tariff })
    cost += slotCost(battery, netKwh, end - storedKwh, tariff)
    storedKwh = end
  }
  return cost - worth * storedKwh
}
