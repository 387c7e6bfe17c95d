import { mkdtempSync } from 'node:fs'
import { createNode } from '../src/node.ts'
import { loadConfig } from '../src/config/config.ts'
import { openSeed } from '../src/config/identity.ts'
import { createLog } from '../src/kernel/log.ts'
async function mk(name:string, flags:any){ const home=mkdtempSync('/tmp/wm-'); const {seed}=openSeed(home); const log=createLog({level:(process.env.L??'info') as any,readable:false,destination:process.stdout}).child({node:name}); const n=await createNode(loadConfig(home,{}, {name, 'network.listen':['/ip4/127.0.0.1/tcp/0'],'network.mdns':false, 'market.slotMs':900000,'market.speed':150,'market.originMs':Date.now(), 'market.stepTimeoutMs':3000, ...flags}),seed,log); await n.start(); return n}
const a=await mk('seller',{roles:['household','compute'],'household.socPercent':95,'household.solarWh':20,'household.trade':true})
const addr=(await a.commands.status()).addresses[0]
const b=await mk('buyer',{roles:['household'],'network.bootstrap':[addr],'household.socPercent':15,'household.loadWh':30,'household.trade':true})
await new Promise(r=>setTimeout(r,2500))
console.log(b.commands.peers().map(p=>[p.name,!!p.connected]))
const job=await b.commands.submit({kind:'chunk',params:{maxTokens:110},documents:[{name:'x',text:'Hello world. This is a test.\n\n'.repeat(2000)}]})
await new Promise(r=>setTimeout(r,14000))
console.log('trades', b.commands.trades(10).map(t=>[t.state,t.energyWh,t.reason]), a.commands.trades(10).map(t=>[t.state,t.reason]))
console.log('needs', b.commands.needs(10).map(t=>[t.state,t.reason,t.answered.length]))
const j=b.commands.job(job.id)!; console.log(j.state,j.counts,j.reason)
console.log(await b.commands.counters(), a.commands.messages({limit:50}).map(m=>m.direction+' '+m.type+' '+m.state).join('\n'))
await a.stop(); await b.stop(); 
