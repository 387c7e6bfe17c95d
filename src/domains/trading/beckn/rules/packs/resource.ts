import { z } from 'zod'
import { location } from '../core/contract.ts'
import { instant, text } from '../core/formats.ts'

/** What makes, keeps, uses or measures energy. Each family of types has attributes of its own. */

const amount = z.number().min(0).optional()
const percent = z.number().min(0).max(100).optional()
const oneOf = (...words: [string, ...string[]]) => z.enum(words).optional()

const anyAttributes = z.looseObject({
  make: text.optional(),
  model: text.optional(),
  ratedPowerKw: amount,
  maxExportKw: amount,
  maxImportKw: amount,
  telemetryProvider: text.optional(),
  commissioningDate: instant.optional(),
  location: location.optional(),
})

const meterFunctions = z.array(
  z.enum(['ToU', 'NetMetering', 'MaxDemand', 'LoadControl', 'TamperDetection', 'PowerQuality', 'EventLogging']),
)

const METER = anyAttributes.extend({
  meterCapability: oneOf('Electromechanical', 'CMRI', 'AMR', 'AMI'),
  energyDirection: oneOf('Forward', 'Reverse', 'Bidirectional', 'Net'),
  functions: meterFunctions.refine(list => new Set(list).size === list.length, 'each function once').optional(),
  feeder: text.optional(),
  bus: text.optional(),
  communicationTechnology: oneOf('PLC', 'RF_Mesh', 'GPRS', 'NB-IoT', 'LoRa', 'ZigBee', 'Other'),
  applicationProtocol: oneOf('DLMS_COSEM', 'ANSI_C12_18', 'IEC_61850', 'Modbus', 'Other'),
})
const GENERATOR = anyAttributes.extend({ nominalPowerKw: amount, efficiency: percent })
const STORAGE = anyAttributes.extend({
  storageCapacityKwh: amount,
  storageType: oneOf('LithiumIon', 'LeadAcid', 'FlowBattery', 'NaS', 'NiCd', 'Flywheel', 'Other'),
  stateOfHealthPct: percent,
})
const CHARGER = anyAttributes.extend({
  connectorType: oneOf('Type1', 'Type2', 'CCS1', 'CCS2', 'CHAdeMO', 'GB_T', 'NACS', 'Other'),
  controlProtocol: oneOf('OCPP_1.6', 'OCPP_2.0.1', 'OCPP_2.1', 'ISO_15118_2', 'ISO_15118_20', 'Other'),
  v2xProtocol: oneOf('CHAdeMO_V2G', 'CCS_BPT', 'ISO_15118_20_AC_BPT', 'ISO_15118_20_DC_BPT', 'Other'),
})
const INVERTER = anyAttributes.extend({
  ratedApparentPowerKva: amount,
  maxReactivePowerKvar: amount,
  minReactivePowerKvar: z.number().optional(),
  rideThroughCategory: oneOf('CategoryI', 'CategoryII', 'CategoryIII'),
  operatingMode: oneOf('GridFollowing', 'GridForming', 'Standby'),
  voltVarEnabled: z.boolean().optional(),
  freqDroopEnabled: z.boolean().optional(),
  enterServiceRampTimeSec: amount,
})
const LOAD = anyAttributes.extend({
  controlProtocol: oneOf('OpenADR_2.0b', 'OCPP_2.0.1', 'SunSpec_Modbus', 'EEBus', 'Modbus', 'Other'),
  loadCategory: oneOf('Heating', 'Cooling', 'WaterHeating', 'Lighting', 'EV', 'Industrial', 'Other'),
})
const NETWORK = anyAttributes.extend({
  nominalVoltageKv: amount,
  zone: text.optional(),
  substationId: text.optional(),
  feederCode: text.optional(),
})

const family = (types: [string, ...string[]], attributes: z.ZodType) =>
  z.looseObject({
    '@context': text.optional(),
    '@type': z.literal('EnergyResource').optional(),
    id: text,
    type: z.enum(types),
    attributes: attributes.optional(),
    parentResources: z.array(text).optional(),
    get subResources(): z.ZodOptional<z.ZodArray<z.ZodType>> {
      return z.array(z.lazy(() => z.union([text, energyResource], 'an id or a resource'))).optional()
    },
  })

export const energyResource: z.ZodType = z.discriminatedUnion(
  'type',
  [
    family(['METER'], METER),
    family(['SOLAR_PV', 'SOLAR', 'WIND', 'HYDRO', 'BIOGAS', 'CHP', 'FUEL_CELL'], GENERATOR),
    family(['BESS', 'BATTERY'], STORAGE),
    family(['EV_CHARGER', 'EV_V2G'], CHARGER),
    family(['INVERTER'], INVERTER),
    family(['SMART_HVAC', 'SMART_WATER_HEATER', 'CONTROLLABLE_LOAD'], LOAD),
    family(['DT', 'BUS', 'FEEDER', 'MICROGRID'], NETWORK),
  ],
  'a resource of a type that is known, like SOLAR, BATTERY or METER',
)
