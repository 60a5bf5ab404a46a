// What operators ask a server with workers. Health, metrics and the workers themselves are answered here, of all of them;
// what a whole cluster tells and does goes to one worker, which is a node like any other, and orders to "the node that is
// asked" to each worker.

import type { NodeReport, WorkerReport, WorkersAnswer } from "../admin/reports.ts"
import { showReadiness } from "../app/routes.ts"
import type { OperatorAnswer } from "../server/admin.ts"
import { pathOf } from "../server/paths.ts"
import type { MergedMetrics } from "./merged-metrics.ts"
import type { PackedRequest, PackedResponse } from "./messages.ts"
import { packRequest, unpackResponse } from "./packed.ts"
import type { Supervisor } from "./supervisor.ts"
import { NoWorkerAnswer, type WorkerProcess } from "./worker-process.ts"

/** 20 s: plug-ins may take 15 s for what they answer. */
const ANSWER_MS = 20_000

/** 2 s for a worker to say how it is. */
const READINESS_MS = 2_000

/** Orders that are for one node, the one that is asked if none is named. */
const ORDERS: ReadonlySet<string> = new Set(["/api/drain", "/api/undrain", "/api/log-level"])

/** What the answers are made of. */
export interface OperatorParts {
  readonly supervisor: Supervisor
  readonly metrics: MergedMetrics
  readonly version: string
}

/** Makes them. */
export function makeOperatorAnswer({ supervisor, metrics, version }: OperatorParts): OperatorAnswer {
  return async (request, by) => {
    switch (pathOf(request)) {
      case "/healthz":
        return new Response("ok\n")
      case "/readyz": {
        const workers = await reportWorkers(supervisor)
        const reasons = workers.flatMap((one) => one.reasons.map((reason) => `worker ${one.worker}: ${reason}`))
        return showReadiness({ reasons, version, workers } as { reasons: string[] }, request)
      }
      case "/metrics":
        return metrics.show(supervisor.all)
      case "/api/workers":
        return tellWorkers(supervisor)
      case "/api/restart-workers":
        if (request.method !== "POST") return refuse(405, "wrong_method", "use POST")
        if (!isJson(request)) return refuse(415, "not_json", "the body must be application/json")
        if (!supervisor.replaceAll(by))
          return refuse(409, "busy", "the workers are being restarted, or stopped, already")
        return tellWorkers(supervisor)
      default:
        return forward(supervisor, request, by)
    }
  }
}

/** Of each place; a worker that does not answer is not ready. */
async function reportWorkers({ inPlace }: Supervisor): Promise<WorkerReport[]> {
  return Promise.all(
    inPlace.map(async ([number, worker]) => {
      if (worker?.about === undefined) {
        return { worker: number, pid: null, node: null, version: null, reasons: ["is being started"] }
      }
      const { pid, about } = worker
      const { reasons } = await worker
        .ask("readiness", undefined, READINESS_MS)
        .catch((cause: Error) => ({ reasons: [cause.message] }))
      return { worker: number, pid, node: about.node, version: about.version, reasons }
    }),
  )
}

async function tellWorkers(supervisor: Supervisor): Promise<Response> {
  const workers = await reportWorkers(supervisor)
  const { isReplacing: restarting, problem } = supervisor
  const answer: WorkersAnswer = { workers, restarting, ...(problem === undefined ? {} : { problem }) }
  return Response.json(answer, { headers: NOT_KEPT })
}

async function forward({ serving }: Supervisor, request: Request, by: string): Promise<Response> {
  const packed = await packRequest(request, by)
  if (packed === undefined) return refuse(413, "too_large", "the request is too large")
  const [first] = serving
  if (first === undefined) return refuse(503, "no_worker", "all workers are being started")
  try {
    if (!ORDERS.has(pathOf(request) ?? "") || namesNode(packed)) return unpackResponse(await ask(first, packed))
    return joinOrders(await Promise.all(serving.map((worker) => ask(worker, packed))))
  } catch (cause) {
    if (!(cause instanceof NoWorkerAnswer)) throw cause
    return refuse(504, "no_answer", `a worker that was asked ${cause.message}: ask again`)
  }
}

function ask(worker: WorkerProcess, packed: PackedRequest): Promise<PackedResponse> {
  return worker.ask("operator", packed, ANSWER_MS)
}

/** The first refusal, or the first report with those of all. */
function joinOrders(answers: readonly PackedResponse[]): Response {
  const refused = answers.find(({ status }) => status !== 200)
  if (refused !== undefined) return unpackResponse(refused)
  const reports = answers.map(({ body }): NodeReport => JSON.parse(new TextDecoder().decode(body)))
  return Response.json({ ...reports[0], workers: reports }, { headers: NOT_KEPT })
}

function namesNode({ body }: PackedRequest): boolean {
  try {
    return Boolean(JSON.parse(new TextDecoder().decode(body))?.node)
  } catch {
    return false
  }
}

/** No page of another origin can send that without being asked (CORS). */
function isJson(request: Request): boolean {
  return /^application\/json\b/i.test(request.headers.get("content-type") ?? "")
}

const NOT_KEPT = { "cache-control": "no-store" }

function refuse(status: number, error: string, message: string): Response {
  return Response.json({ error, message }, { status, headers: NOT_KEPT })
}
