// Written by `npm run docs:generate` from the routes in controller/api; not by hand.
import type {
  Acknowledged, Adjustment, Agent, AgentList, ApprovalDecision, ApprovalList, ApprovalQuestion, ApprovalResult, ApprovalRevocation, BudgetList, ChildList, Delivery, Instance, MessageList,
  MessageWish, Opened, Posted, Problem, RelationList, SpawnWish, Thread, ThreadApproval, ThreadList, ThreadWish,
} from "./objects.ts";

interface Json<T> { headers: Record<string, unknown>; content: { "application/json": T } }
interface Empty { headers: Record<string, unknown>; content?: never }

/** Every path of the API, as openapi-fetch reads it. */
export interface paths {
  "/v1/approvals": {
    /** Questions that wait for a person, and what is allowed for threads. */
    get: {
      parameters: { query?: { namespace?: string }; header?: never; path?: never }; requestBody?: never;
      responses: { 200: Json<ApprovalList>; default: Json<Problem> };
    };
  };
  "/v1/approvals/{approval}": {
    /** One question, open or over. */
    get: {
      parameters: { query?: { waitMs?: number | null }; header?: never; path: { approval: string } }; requestBody?: never;
      responses: { 200: Json<ApprovalQuestion>; default: Json<Problem> };
    };
  };
  "/v1/approvals/{approval}/decision": {
    /** Allow or deny; the first answer counts. */
    post: {
      parameters: { query?: never; header?: never; path: { approval: string } }; requestBody: { content: { "application/json": ApprovalDecision } };
      responses: { 200: Json<ApprovalResult>; default: Json<Problem> };
    };
  };
  "/v1/approvals/{approval}/revoke": {
    /** Take back what was allowed for a thread; what runs on it ends. */
    post: {
      parameters: { query?: never; header?: never; path: { approval: string } }; requestBody: { content: { "application/json": ApprovalRevocation } };
      responses: { 200: Json<ThreadApproval>; default: Json<Problem> };
    };
  };
  "/v1/budgets": {
    /** Budgets and how they stand. */
    get: {
      parameters: { query?: { namespace?: string; budget?: string }; header?: never; path?: never }; requestBody?: never;
      responses: { 200: Json<BudgetList>; default: Json<Problem> };
    };
  };
  "/v1/budgets/{budget}/adjust": {
    /** Set, top up or reset a budget, or let spending go on past a threshold. */
    post: {
      parameters: { query?: never; header?: never; path: { budget: string } }; requestBody: { content: { "application/json": Adjustment } };
      responses: { 200: Json<BudgetList>; default: Json<Problem> };
    };
  };
  "/v1/instance": {
    /** Who the caller is. */
    get: {
      parameters: { query?: never; header?: never; path?: never }; requestBody?: never;
      responses: { 200: Json<Instance>; default: Json<Problem> };
    };
  };
  "/v1/instance/answers": {
    /** Say something in the thread. */
    post: {
      parameters: { query?: never; header?: { "idempotency-key"?: string }; path?: never }; requestBody: { content: { "application/json": MessageWish } };
      responses: { 200: Json<Posted>; 201: Json<Posted>; default: Json<Problem> };
    };
  };
  "/v1/instance/children": {
    /** Children of this thread, newest first, at most 1,000. */
    get: {
      parameters: { query?: never; header?: never; path?: never }; requestBody?: never;
      responses: { 200: Json<ChildList>; default: Json<Problem> };
    };
  };
  "/v1/instance/children/{child}": {
    /** Delete a child thread. */
    delete: {
      parameters: { query?: never; header?: never; path: { child: string } }; requestBody?: never;
      responses: { 204: Empty; default: Json<Problem> };
    };
  };
  "/v1/instance/children/{child}/messages": {
    /** What was said in a child thread, oldest first. */
    get: {
      parameters: { query?: { limit?: number; after?: number }; header?: never; path: { child: string } }; requestBody?: never;
      responses: { 200: Json<MessageList>; default: Json<Problem> };
    };
    /** Post a message to the agent of a child thread. */
    post: {
      parameters: { query?: never; header?: { "idempotency-key"?: string }; path: { child: string } }; requestBody: { content: { "application/json": MessageWish } };
      responses: { 200: Json<Posted>; 201: Json<Posted>; default: Json<Problem> };
    };
  };
  "/v1/instance/children/{child}/stop": {
    /** Stop the instance of a child thread. */
    post: {
      parameters: { query?: never; header?: never; path: { child: string } }; requestBody?: never;
      responses: { 202: Empty; default: Json<Problem> };
    };
  };
  "/v1/instance/keepalive": {
    /** Say that the agent is busy although nothing leaves it; every 10 seconds while it works. */
    post: {
      parameters: { query?: never; header?: never; path?: never }; requestBody?: never;
      responses: { 204: Empty; default: Json<Problem> };
    };
  };
  "/v1/instance/messages": {
    /** Messages that the agent has not acknowledged, oldest first; waits for one if it is told to. */
    get: {
      parameters: { query?: { limit?: number; wait?: number }; header?: never; path?: never }; requestBody?: never;
      responses: { 200: Json<MessageList>; default: Json<Problem> };
    };
  };
  "/v1/instance/messages/{message}/acknowledge": {
    /** Acknowledge a message and all before it, when the turn is done; what is not acknowledged is delivered again. */
    post: {
      parameters: { query?: never; header?: never; path: { message: string } }; requestBody?: never;
      responses: { 200: Json<Acknowledged>; default: Json<Problem> };
    };
  };
  "/v1/instance/threads": {
    /** Open a child thread of an agent that this one may spawn. */
    post: {
      parameters: { query?: never; header?: { "idempotency-key"?: string }; path?: never }; requestBody: { content: { "application/json": SpawnWish } };
      responses: { 200: Json<Opened>; 201: Json<Opened>; default: Json<Problem> };
    };
  };
  "/v1/namespaces/{namespace}/agents": {
    /** Agents that the caller may open threads on. */
    get: {
      parameters: { query?: never; header?: never; path: { namespace: string } }; requestBody?: never;
      responses: { 200: Json<AgentList>; default: Json<Problem> };
    };
  };
  "/v1/namespaces/{namespace}/agents/{agent}": {
    /** One agent. */
    get: {
      parameters: { query?: never; header?: never; path: { namespace: string; agent: string } }; requestBody?: never;
      responses: { 200: Json<Agent>; default: Json<Problem> };
    };
  };
  "/v1/namespaces/{namespace}/agents/{agent}/relations": {
    /** Who is related to an agent. */
    get: {
      parameters: { query?: never; header?: never; path: { namespace: string; agent: string } }; requestBody?: never;
      responses: { 200: Json<RelationList>; default: Json<Problem> };
    };
  };
  "/v1/namespaces/{namespace}/agents/{agent}/relations/{relation}/{subject}": {
    /** Relate a subject to an agent. */
    put: {
      parameters: { query?: never; header?: never; path: { namespace: string; agent: string; relation: "owner" | "maintainer" | "participant"; subject: string } }; requestBody?: never;
      responses: { 204: Empty; default: Json<Problem> };
    };
    /** End a relation to an agent. */
    delete: {
      parameters: { query?: never; header?: never; path: { namespace: string; agent: string; relation: "owner" | "maintainer" | "participant"; subject: string } }; requestBody?: never;
      responses: { 204: Empty; default: Json<Problem> };
    };
  };
  "/v1/namespaces/{namespace}/cloudevents": {
    /** Post CloudEvents 1.0 (structured, batched or binary mode) to threads. */
    post: {
      parameters: { query?: never; header?: never; path: { namespace: string } };
      requestBody: { content: { "application/cloudevents+json": unknown; "application/cloudevents-batch+json": unknown } };
      responses: { 200: Json<Delivery>; default: Json<Problem> };
    };
  };
  "/v1/namespaces/{namespace}/threads": {
    /** Open a thread, with its first message if there is one. */
    post: {
      parameters: { query?: never; header?: { "idempotency-key"?: string }; path: { namespace: string } }; requestBody: { content: { "application/json": ThreadWish } };
      responses: { 200: Json<Opened>; 201: Json<Opened>; default: Json<Problem> };
    };
    /** Threads that the caller may see, newest first. */
    get: {
      parameters: { query?: { limit?: number; after?: string; agent?: string }; header?: never; path: { namespace: string } }; requestBody?: never;
      responses: { 200: Json<ThreadList>; default: Json<Problem> };
    };
  };
  "/v1/namespaces/{namespace}/threads/{thread}": {
    /** One thread. */
    get: {
      parameters: { query?: never; header?: never; path: { namespace: string; thread: string } }; requestBody?: never;
      responses: { 200: Json<Thread>; default: Json<Problem> };
    };
    /** Delete a thread with its instance; volumes as their retention says. */
    delete: {
      parameters: { query?: never; header?: never; path: { namespace: string; thread: string } }; requestBody?: never;
      responses: { 204: Empty; default: Json<Problem> };
    };
  };
  "/v1/namespaces/{namespace}/threads/{thread}/events": {
    /** Follow a thread by server-sent events: `message`, `thread`, `problem`. */
    get: {
      parameters: { query?: { after?: number }; header?: { "last-event-id"?: number }; path: { namespace: string; thread: string } }; requestBody?: never;
      responses: { 200: { headers: Record<string, unknown>; content: { "text/event-stream": string } }; default: Json<Problem> };
    };
  };
  "/v1/namespaces/{namespace}/threads/{thread}/messages": {
    /** Post a message to the agent. */
    post: {
      parameters: { query?: never; header?: { "idempotency-key"?: string }; path: { namespace: string; thread: string } }; requestBody: { content: { "application/json": MessageWish } };
      responses: { 200: Json<Posted>; 201: Json<Posted>; default: Json<Problem> };
    };
    /** What was said in a thread, oldest first. */
    get: {
      parameters: { query?: { limit?: number; after?: number }; header?: never; path: { namespace: string; thread: string } }; requestBody?: never;
      responses: { 200: Json<MessageList>; default: Json<Problem> };
    };
  };
  "/v1/namespaces/{namespace}/threads/{thread}/messages/{message}/acknowledge": {
    /** Acknowledge a message and all before it in the agent's stead, so that it does not get them (again). */
    post: {
      parameters: { query?: never; header?: never; path: { namespace: string; thread: string; message: string } }; requestBody?: never;
      responses: { 200: Json<Acknowledged>; default: Json<Problem> };
    };
  };
  "/v1/namespaces/{namespace}/threads/{thread}/participants": {
    /** Who is related to a thread. */
    get: {
      parameters: { query?: never; header?: never; path: { namespace: string; thread: string } }; requestBody?: never;
      responses: { 200: Json<RelationList>; default: Json<Problem> };
    };
  };
  "/v1/namespaces/{namespace}/threads/{thread}/participants/{relation}/{subject}": {
    /** Relate a subject to a thread. */
    put: {
      parameters: { query?: never; header?: never; path: { namespace: string; thread: string; relation: "owner" | "maintainer" | "participant"; subject: string } }; requestBody?: never;
      responses: { 204: Empty; default: Json<Problem> };
    };
    /** End a relation to a thread; everybody may end their own. */
    delete: {
      parameters: { query?: never; header?: never; path: { namespace: string; thread: string; relation: "owner" | "maintainer" | "participant"; subject: string } }; requestBody?: never;
      responses: { 204: Empty; default: Json<Problem> };
    };
  };
  "/v1/namespaces/{namespace}/threads/{thread}/stop": {
    /** Stop the instance that runs now; the next message starts another. */
    post: {
      parameters: { query?: never; header?: never; path: { namespace: string; thread: string } }; requestBody?: never;
      responses: { 202: Empty; default: Json<Problem> };
    };
  };
}
