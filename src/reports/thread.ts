import { parentPort, workerData } from 'node:worker_threads'
import { renderReport } from './report.ts'
import type { ReportData } from './report-data.ts'

/** The whole life of the thread that `aside.ts` starts. */
parentPort?.postMessage(renderReport(workerData as ReportData))
