package moonshine
import ("testing";"context";"os";"earshot/transcribe/models";"earshot/transcribe/wer";"path/filepath";"math/rand";"math";"strings";"fmt")
func TestZZ(t *testing.T){
 d,_:=models.Find(""); r,e:=New(d); if e!=nil{t.Fatal(e)}
 type utt struct{p []int16; ref,v string}
 var us []utt
 for _,v:=range []string{"slt","rms","awb","kal","hts"} { for _,w:=range []string{"agent","customer"} {
 b,e:=os.ReadFile(filepath.Join("/tmp/txscratch/dlg",w+"."+v+".ul")); if e!=nil{t.Fatal(e)}
 tx,_:=os.ReadFile(filepath.Join("/tmp/txscratch/dlg",w+".txt")); L:=strings.Split(strings.TrimSpace(string(tx)),"\n")
 pcm:=make([]int16,len(b)); for i,x:=range b{x=^x; m:=(int16(x&0xf)<<3+0x84)<<(x>>4&7)-0x84; if x&0x80!=0{m=-m}; pcm[i]=m}
 for k,p:=range turns(pcm){ us=append(us,utt{p,L[k],v}) } }}
 f,_:=r.filter(8000)
 run:=func(name string,fn func(p []int16,rnd *rand.Rand) []float32){
  var tot wer.Result; by:=map[string]wer.Result{}
  for s:=int64(1);s<=2;s++ { rnd:=rand.New(rand.NewSource(s))
  for _,u:=range us{ x:=fn(u.p,rnd)
   ids,_,_:=r.run(context.Background(),x,int(float64(len(x))/rate*tokensPerSecond)+tokensMore)
   c:=wer.Compare(u.ref,r.words.text(ids)); tot=tot.Add(c); by[u.v]=by[u.v].Add(c)
  }}
  s:=""; for _,v:=range []string{"slt","rms","awb","kal","hts"} {s+=fmt.Sprintf(" %s %.1f",v,100*by[v].Rate())}
  t.Logf("%s: WER %.1f (%s)",name,100*tot.Rate(),s)
 }
 rms:=func(x []float32)float32{s:=0.0; for _,v:=range x{s+=float64(v)*float64(v)}; return float32(math.Sqrt(s/float64(len(x))))}
 m:=float32(0); for _,u:=range us{m+=rms(f.Floats(u.p))}; t.Logf("mean rms %.3f",m/float32(len(us)))
 for _,dz:=range []float32{0.002,0.003,0.004}{ run(fmt.Sprint("dither ",dz),func(p []int16,rnd *rand.Rand)[]float32{x:=f.Floats(p); for i:=range x{x[i]+=dz*float32(rnd.NormFloat64())}; return x}) }
 for _,dz:=range []float32{0.02,0.03,0.045}{ run(fmt.Sprint("rel ",dz),func(p []int16,rnd *rand.Rand)[]float32{x:=f.Floats(p); d:=dz*rms(x); for i:=range x{x[i]+=d*float32(rnd.NormFloat64())}; return x}) }
 for _,dz:=range []float32{0.03}{ run(fmt.Sprint("quiet rel ",dz),func(p []int16,rnd *rand.Rand)[]float32{x:=f.Floats(p); d:=dz*rms(x); for i:=range x{x[i]+=d*float32(rnd.NormFloat64());x[i]*=0.1}; return x}) 
 run("quiet plain",func(p []int16,rnd *rand.Rand)[]float32{x:=f.Floats(p); for i:=range x{x[i]*=0.1}; return x}) 
 run("preemph+rel",func(p []int16,rnd *rand.Rand)[]float32{x:=f.Floats(p); d:=dz*rms(x); l:=float32(0); for i:=range x{c:=x[i]; x[i]=1.3*c-0.5*l+d*float32(rnd.NormFloat64()); l=c}; return x}) 
 // uniform noise, cheap
 run("uniform",func(p []int16,rnd *rand.Rand)[]float32{x:=f.Floats(p); d:=dz*1.732*rms(x); for i:=range x{x[i]+=d*(2*rnd.Float32()-1)}; return x}) }
}
