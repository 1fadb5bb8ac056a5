import tls from 'node:tls'; import net from 'node:net';
const srv = net.createServer(s=>s.once('data',d=>{console.log(d.includes(Buffer.from([0,0,0]))?'': '', d.toString('latin1').replace(/[^ -~]/g,'.').slice(0,400)); s.destroy();})).listen(0,'127.0.0.1',()=>{
 const sock = net.connect({host:'127.0.0.1',port:srv.address().port},()=>{ const t=tls.connect({socket:sock}); t.on('error',()=>{srv.close()});});
});
