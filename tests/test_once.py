"""An expression does what it does once: a tick in the places of the grammar that hold an expression.

Each line asks ``tk(...)``, which counts (by numbers to differentiate) and gives its argument back.
"""

from __future__ import annotations

import importlib.util

import numpy as np
import pytest

from srcdiff import grad

PLACES = {
    "for_iter": "for v in tk([x[0],x[1]]): r=r+v**2",
    "for_call": "for v in list(tk([x[0],x[1]])): r=r+v**2",
    "for_method": "for v in tk([x[0],x[1]]).copy(): r=r+v**2",
    "for_zip": "for v,w in zip(tk([x[0],x[1]]),tk([x[2],x[1]])): r=r+v**2*w",
    "for_enum": "for i,w in enumerate(tk([x[2],x[1]]),tk(1)): r=r+i*w",
    "for_range": "for i in range(tk(3)): r=r+i*x[1]",
    "for_range2": "for i in range(tk(1),tk(6),tk(2)): r=r+i*x[1]",
    "for_dict": "for k,v in tk({'a':x[0]}).items(): r=r+v**2",
    "for_tgt": ("l=[x[0]]\n    for l[tk(0)] in (x[1],x[2]): r=r+l[0]**2"),
    "if": "if tk(x[0])>0: r=r+x[0]**2",
    "ifexp": "r=r+(x[0] if tk(1)>0 else x[1])",
    "and": "r=r+(tk(x[0]) and tk(x[1]))",
    "or": "r=r+(tk(0.) or tk(x[1]))",
    "chain": "r=r+(x[0] if 0<tk(x[0])<tk(5) else x[1])",
    "cmp_in": "r=r+(x[0] if tk(1) in tk([1,2]) else x[1])",
    "aug": ("l=[x[0],x[1]]\n    l[tk(0)]+=x[2]\n    r=r+l[0]**2"),
    "aug_arr": ("l=x*1.\n    l[tk(0)]+=x[2]\n    r=r+l[0]**2"),
    "aug_sl": ("l=x*1.\n    l[tk(0):tk(2)]*=x[2]\n    r=r+(l**2).sum()"),
    "aug_obj": ("l=[x[0],x[1]]\n    tk(l)[tk(0)]+=tk(x[2])\n    r=r+l[0]**2"),
    "aug_attr": ("tk(self).q+=x[2]\n    r=r+self.q**2"),
    "aug_get": ("l={'a':x[0]}\n    tk(l)[tk('a')]*=tk(x[2])\n    r=r+l['a']**2"),
    "assign_attr": ("tk(self).q=tk(x[2])\n    r=r+self.q**2"),
    "multi": ("a=b=tk(x[0])\n    r=r+a*b"),
    "unpack": ("a,*b=tk([x[0],x[1],x[2]])\n    r=r+a*b[0]*b[1]"),
    "starcall": "r=r+f3(*tk((x[0],x[1])),tk(x[2]))",
    "kwcall": "r=r+f3(**tk({'a':x[0],'b':x[1]}),c=tk(x[2]))",
    "listd": ("l=[*tk([x[0]]),tk(x[1])]\n    r=r+l[0]*l[1]"),
    "dictd": ("l={**tk({'a':x[0]}),tk('b'):tk(x[1])}\n    r=r+l['a']*l['b']"),
    "comp": "r=r+sum(tk(v)**2 for v in tk([x[0],x[1]]) if tk(True))",
    "lcomp": "r=r+sum([tk(v)**2 for v in tk([x[0],x[1]]) if tk(True)])",
    "dcomp": "r=r+sum({tk(k):tk(v) for k,v in tk({'a':x[0],'b':x[1]}).items()}.values())",
    "comp2": "r=r+sum([tk(v)*w for v in tk([x[0],x[1]]) for w in tk([1,2])])",
    "walrus": "r=r+(a:=tk(x[0]))*a",
    "sub": "r=r+tk(x)[tk(1)]**2",
    "slice": "r=r+tk(x)[tk(0):tk(2)].sum()",
    "slist": "r=r+sum(tk([x[0],x[1],x[2]])[tk(0):tk(2)])",
    "sneg": "r=r+tk([x[0],x[1],x[2]])[-tk(1)]**2",
    "attr": "r=r+tk(self).q*x[0]",
    "meth": "r=r+tk(self).m(tk(x[0]))",
    "methnp": "r=r+tk(x).sum()**2",
    "methnp2": "r=r+tk(x).reshape(tk(3),tk(1)).T.dot(tk(x))[0]",
    "T": "r=r+tk(x*1.).T[0]",
    "shape": "r=r+x[0]*tk(x).shape[0]",
    "np": "r=r+np.sum(tk(x)**tk(2.),axis=tk(0))",
    "npout": ("o=np.zeros(3)\n    np.multiply(tk(x),x,out=tk(o))\n    r=r+o.sum()"),
    "npadd": ("o=np.zeros(3)\n    np.add.at(tk(o),tk([0,1,1]),tk(x))\n    r=r+(o**2).sum()"),
    "where": "r=r+np.where(tk(x)>1,tk(x)**2,x).sum()",
    "lam": "r=r+(lambda a,b=tk(x[1]): a*b)(tk(x[0]))",
    "defd": ("def h(a,b=tk(x[1])): return a*b\n    r=r+h(x[0])+h(x[2])"),
    "ret": "return r+self.n+tk(x[0])**2",
    "assert": ("assert tk(x[0])>-9, tk('no')\n    r=r+x[0]"),
    "raise": ("try: raise Err(tk(x[0]))\n    except Err as e: r=r+e.args[0]**2"),
    "raise2": ("try: raise tk(Err)(x[0])\n    except Err as e: r=r+e.args[0]**2"),
    "withs": "with tk(Man(x[0])) as v: r=r+v**2",
    "withm": "with Man(tk(x[0])) as v, Man(tk(x[1])) as w: r=r+v**2*w",
    "withg": "with gman(tk(x[0])) as v: r=r+v**2",
    "match": ("match tk((1,x[0])):\n        case (1,v): r=r+v**2\n        case _: pass"),
    "match2": (
        "match tk([x[1],x[0]]):\n"
        "        case [a]: r=r+a\n"
        "        case [a,b] if tk(a)>9: r=r+a*b\n"
        "        case [a,b]: r=r+a+b"
    ),
    "match3": ("match tk({'k':x[1]}):\n        case {'k':v}: r=r+v**2"),
    "del": ("l=[x[0],x[1],x[2]]\n    del l[tk(0)]\n    r=r+l[0]**2"),
    "deld": ("l={'a':x[0],'b':x[1]}\n    del tk(l)[tk('a')]\n    r=r+l['b']**2"),
    "pop": ("l=[x[0],x[1],x[2]]\n    r=r+tk(l).pop(tk(0))**2"),
    "append": ("l=[x[0]]\n    tk(l).append(tk(x[1]))\n    r=r+l[1]**2"),
    "sorted": "r=r+sorted(tk([x[1],x[0]]),key=lambda v: tk(v))[0]**2",
    "max": "r=r+max(tk(x[0]),tk(x[1]))",
    "maxk": "r=r+max(tk([x[0],x[1]]),key=lambda v:-v)",
    "get": "r=r+tk({'a':x[0]}).get(tk('a'),tk(0.))",
    "setd": ("l={}\n    tk(l).setdefault(tk('a'),[]).append(tk(x[0]))\n    r=r+l['a'][0]**2"),
    "upd": ("l={}\n    tk(l).update(tk({'a':x[0]}),b=tk(x[1]))\n    r=r+l['a']*l['b']"),
    "tuple": ("a,b=tk(x[0]),tk(x[1])\n    r=r+a**2*b"),
    "swap": ("l=[x[0],x[1]]\n    l[tk(0)],l[tk(1)]=l[tk(1)],l[tk(0)]\n    r=r+l[0]**2"),
    "fstr": ("s=f'{tk(1)}'\n    r=r+x[0]*len(s)"),
    "print": ("print(tk(1),end='',file=DEV)\n    r=r+x[0]"),
    "isinst": "r=r+(x[0] if isinstance(tk(1),int) else x[1])",
    "len": "r=r+x[0]*len(tk([1,2]))",
    "any": "r=r+(x[0] if any(tk(v)>1 for v in tk([x[0],x[1]])) else x[1])",
    "map": "r=r+sum(map(lambda v:tk(v)**2,tk([x[0],x[1]])))",
    "red": "r=r+functools.reduce(lambda a,b:tk(a*b),tk([x[0],x[1],x[2]]),tk(1.))",
    "setattr": ("setattr(tk(self),'q',tk(x[0]))\n    r=r+self.q**2"),
    "getattr": "r=r+getattr(tk(self),'q')*x[0]",
    "mat": "r=r+tk(x)@tk(x)",
    "mat2": ("M=np.outer(tk(x),tk(x))\n    r=r+M[tk(0),tk(1)]"),
    "neg": "r=r+ -tk(x[0])",
    "pow": "r=r+tk(x[0])**tk(2)",
    "idx": ("M=np.outer(x,x)\n    M[tk(0)][tk(1)]=tk(x[2])\n    r=r+M.sum()"),
    "idx2": ("M=np.outer(x,x)\n    M[tk(0),:]=tk(x)[::-1]\n    r=r+(M**2).sum()"),
    "nest": ("d={'a':[x[0],{'b':x[1]}]}\n    tk(d)['a'][tk(1)]['b']+=tk(x[2])\n    r=r+d['a'][1]['b']**2"),
    "slset": ("l=[x[0],x[1],x[2]]\n    tk(l)[tk(0):tk(1)]=tk([x[2],x[2]])\n    r=r+sum(v**2 for v in l)"),
    "yieldf": "for v in gen2(tk(x[0])): r=r+v**2",
    "next": "r=r+next(iter(tk([x[0],x[1]])))**2",
    "iife": "r=r+tk(lambda v: tk(v)**2)(tk(x[0]))",
    "part": "r=r+functools.partial(tk(f3),tk(x[0]))(tk(x[1]),c=tk(x[2]))",
    "cond_call": "r=r+(np.sin if tk(1) else np.cos)(tk(x[0]))",
    "glob": "r=r+math.sin(tk(x[0]))+math.hypot(tk(x[1]),tk(x[2]))",
    "cplx": "r=r+abs(complex(tk(x[0]),tk(x[1])))**2",
    "fl": "r=r+float(tk(x[0]))*int(tk(2))+round(tk(2.4))*x[1]",
    "nparr": ("a=np.array([tk(x[0]),[x[1]][tk(0)]])\n    r=r+(a**2).sum()"),
    "npst": ("a=np.stack(tk([x,x*2]))\n    r=r+(a**2).sum()"),
    "einsum": "r=r+np.einsum('i,i->',tk(x),tk(x))",
    "prop": "r=r+tk(self).pr*x[0]",
    "forelse": ("for v in tk([x[0],x[1]]):\n        if tk(v)>99: break\n    else: r=r+tk(x[0])**2"),
    "unroll": "for f in tk((np.sin,np.cos)): r=r+f(tk(x[0]))",
    "dictf": "r=r+tk({'s':np.sin})[tk('s')](x[0])",
    "ellipsis": "r=r+tk(x)[...,tk(0)]",
    "bool": ("m=tk(x)>tk(1.)\n    r=r+x[m].sum()"),
    "npif": "r=r+np.interp(tk(0.5),tk([0.,1.,2.]),tk(x))",
    "del2": ("a=tk(x[0])\n    del a\n    r=r+x[1]"),
    "ann": ("a:float=tk(x[0])\n    r=r+a**2"),
    "nonl": (
        "def h(v):\n"
        "        nonlocal r\n"
        "        r=r+tk(v)\n"
        "        return v\n"
        "    q=h(tk(x[0]))*h(x[1])\n"
        "    r=r+q"
    ),
    "cm": "r=r+Man.make(tk(x[0])).v**2",
    "dc": ("p=DC(tk(x[0]),b=tk(x[1]))\n    r=r+p.a*p.b"),
    "repl": ("p=dataclasses.replace(tk(DC(x[0],x[1])),a=tk(x[2]))\n    r=r+p.a*p.b"),
    "nt": ("p=NT(tk(x[0]),tk(x[1]))._replace(a=tk(x[2]))\n    r=r+p.a*p.b"),
    "op": "r=r+(tk(V(x[0]))+tk(V(x[1]))).v**2",
    "opi": ("a=V(x[0])\n    a+=tk(V(x[1]))\n    r=r+a.v**2"),
    "getit": "r=r+tk(V(x[0]))[tk(2)]",
    "callo": "r=r+tk(V(x[0]))(tk(x[1]))",
    "for_rest": (
        "q=[{'a':x[0]},{'a':x[1]}]\n    for v in q.pop().values(): r=r+v**2\n    r=r+10.*len(q)*x[2]"
    ),
    "with_rest": "with self.up().man() as v: r=r+v**2",
    "with_prop": "with self.prup.man() as v: r=r+v**2",
    "for_prop": "for v in self.prup.vals(): r=r+v**2",
    "raise_prop": ("try: raise self.err(x[1])\n    except Err as e: r=r+e.args[0]**2"),
    "raise_made": ("try: raise self.made()(x[1])\n    except Err as e: r=r+e.args[0]**2"),
}

PRELUDE = """import numpy as np, functools, math, contextlib, dataclasses, collections, io
DEV=io.StringIO()
class Err(Exception): pass
class Man:
    def __init__(self,v): self.v=v
    def __enter__(self): return self.v
    def __exit__(self,*a): return False
    @classmethod
    def make(cls,v): return cls(v)
@contextlib.contextmanager
def gman(v): yield v
def gen2(v):
    yield v
    yield v*2
def f3(a,b,c): return a*b+c
@dataclasses.dataclass
class DC:
    a: float
    b: float
NT=collections.namedtuple("NT","a b")
class V:
    def __init__(self,v): self.v=v
    def __add__(self,o): return V(self.v+o.v*2)
    def __getitem__(self,k): return self.v*k
    def __call__(self,a): return self.v*a
class C:
    def __init__(self,x): self.n=x[0]*0.; self.x=x; self.q=1.5
    def t(self,v):
        self.n=self.n*1.1+self.x[0]+0.3*self.x[1]
        return v
    def m(self,a): return a*self.q
    def up(self):
        self.n=self.n+self.x[1]
        return self
    @property
    def prup(self): return self.up()
    @property
    def err(self):
        self.up()
        return Err
    def made(self):
        self.up()
        return Err
    def man(self): return Man(self.n)
    def vals(self): return [self.n,self.n*2]
    @property
    def pr(self):
        self.n=self.n+self.x[2]
        return self.q
"""

PROGRAM = """
def at_{name}(x):
    self=C(x); tk=self.t
    r=x[0]*0.
    {body}
    return r+self.n
"""

X = np.array([0.5, 1.5, 2.5])


@pytest.fixture(scope="module")
def programs(tmp_path_factory):
    file = tmp_path_factory.mktemp("once") / "ticking.py"
    file.write_text(PRELUDE + "".join(PROGRAM.format(name=k, body=v) for k, v in PLACES.items()))
    spec = importlib.util.spec_from_file_location("ticking", file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("place", PLACES)
def test_done_once(programs, place):
    f = getattr(programs, f"at_{place}")
    h = 1e-6
    expected = [(f(X + h * e) - f(X - h * e)) / (2 * h) for e in np.eye(3)]
    np.testing.assert_allclose(grad(f)(X), expected, rtol=1e-6, atol=1e-7)
