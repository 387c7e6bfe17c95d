/** Forecasts of loads that lie in a file, and how good they were, without a daemon. */
export { evaluateForecast } from './report.ts'
export { forecastYardstick } from './yardstick.ts'
