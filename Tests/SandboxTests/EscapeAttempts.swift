/// Ways out that are tried inside, by what they are after; ``EscapeTests`` runs them and looks from outside.
///
/// Each is a small Python program that runs in the checkout, in a process of its own. What it can name: `CAN`, a directory
/// outside that anybody may write; `HOME`, a home of the host with secrets; `PROJ`, the checkout; `PORT`, a port of the
/// host; `ABS`, an abstract socket of the host; `VICTIM`, a process of the host. It prints `escaped` when it believes that
/// it is out: `call` says so of a system call that is not refused, `attempt` of a function that does not fail.
struct EscapeAttempt: Sendable {
  var name: String
  var program: String

  init(_ name: String, _ program: String) { (self.name, self.program) = (name, program) }
}

extension EscapeAttempt {
  static let all: [(category: String, attempts: [EscapeAttempt])] = [
    (
      "writes outside",
      [
        EscapeAttempt("absolute", "attempt(open,CAN+'/made','w')"),
        EscapeAttempt(
          "symlink in repo",
          #"""
          attempt(open,'out/made','w')
          attempt(open,'sec','a')
          """#),
        EscapeAttempt("hard link in repo changes copy only", "open('hard','a').write('x')"),
        EscapeAttempt("hard link to outside", "attempt(os.link,CAN+'/secret','h2')"),
        EscapeAttempt(
          "proc self root",
          #"""
          attempt(open,'/proc/self/root'+CAN+'/made','w')
          attempt(open,'/proc/1/root'+CAN+'/made','w')
          attempt(open,'/proc/self/cwd/../../canary/made','w')
          """#),
        EscapeAttempt(
          "proc 1 cwd and fd", "[attempt(os.listdir,'/proc/1/'+x) for x in ('cwd','fd','root','map_files')]"),
        EscapeAttempt(
          "attributes of system files",
          #"""
          attempt(os.setxattr, '/usr/bin/env', 'user.a', b'b')
          attempt(os.utime, '/etc/passwd')
          """#),
        EscapeAttempt(
          "by rename",
          #"""
          open('f', 'w').close()
          attempt(os.rename, 'f', CAN + '/made')
          attempt(os.rename, CAN + '/secret', 'g')
          """#),
        EscapeAttempt("dotdot chroot", "attempt(open,'../'*60+CAN+'/made','w')"),
        EscapeAttempt(
          "home",
          #"""
          attempt(open,HOME+'/.bashrc','a')
          attempt(open,HOME+'/.ssh/authorized_keys','w')
          """#),
        EscapeAttempt(
          "system dirs",
          #"""
          [attempt(open,d+'/made-esc','w') for d in ('/','/usr','/etc','/bin','/lib','/opt','/var','/var/lib',
              '/var/log','/srv','/mnt','/boot','/sys','/root','/home')]
          """#),
        EscapeAttempt(
          "etc files",
          #"""
          [attempt(open,f,'r+') for f in ('/etc/passwd','/etc/group','/etc/hosts','/etc/resolv.conf',
              '/etc/ld.so.preload','/etc/ld.so.cache','/etc/crontab','/etc/profile')]
          """#),
        EscapeAttempt(
          "chmod and chown system",
          #"""
          attempt(os.chmod,'/usr/bin/env',0o777)
          attempt(os.chown,'/usr/bin/env',os.getuid(),os.getgid())
          attempt(os.utime,'/usr/bin/env')
          """#),
        EscapeAttempt("truncate", "attempt(os.truncate,'/usr/bin/env',0)"),
        EscapeAttempt("open_by_handle", "call(304,-1,0,0)"),
        EscapeAttempt(
          "mount ro remount",
          #"""
          call(165,b'none',b'/usr',0,32,0)
          call(165,b'none',b'/',0,32|4096,0)
          """#),
        EscapeAttempt(
          "ioctl immutable",
          #"""
          f=os.open('/usr/bin/env',os.O_RDONLY)
          attempt(fcntl.ioctl,f,0x40086602,struct.pack('l',16))
          """#),
        EscapeAttempt(
          "fifo in repo to host",
          #"""
          f=attempt(os.open,'pipe',os.O_WRONLY|os.O_NONBLOCK)
          if f: os.write(f,b'x')
          """#),
        EscapeAttempt(
          "shm and tmp shared",
          #"""
          attempt(open,SHM)
          attempt(open,TMPF)
          open('/dev/shm/x','w').write('y')
          open('/tmp/x','w').write('y')
          """#),
        EscapeAttempt(
          "rename over lower through overlay",
          #"""
          os.rename('a.py','b.py')
          os.unlink('run.sh')
          """#),
        EscapeAttempt(
          "overlay xattr trusted",
          #"""
          attempt(os.setxattr,'.','trusted.overlay.redirect',b'/etc')
          attempt(os.setxattr,'.','trusted.overlay.opaque',b'y')
          """#),
        EscapeAttempt(
          "whiteout mknod",
          #"""
          attempt(os.mknod,'wh',stat.S_IFCHR|0o666,0)
          attempt(os.mknod,'wh2',stat.S_IFCHR|0o666,os.makedev(1,1))
          attempt(os.mknod,'/dev/sda',stat.S_IFBLK|0o666,os.makedev(8,0))
          """#),
        EscapeAttempt(
          "user overlay xattr",
          #"""
          for n in ('user.overlay.redirect','user.overlay.metacopy','user.overlay.opaque','user.overlay.origin'):
            try: os.setxattr('a.py',n,b'/etc/shadow')
            except OSError: pass
            try: os.setxattr('.git',n,b'y')
            except OSError: pass
          """#),
        EscapeAttempt(
          "cwd deleted above",
          #"""
          os.makedirs('x/y')
          os.chdir('x/y')
          subprocess.run(['rm','-rf','../../x'])
          attempt(open,'../../../canary/made','w')
          """#),
        EscapeAttempt(
          "fd passing from init",
          #"""
          attempt(os.open,'/proc/1/fd/3',os.O_RDONLY)
          attempt(os.open,'/proc/1/fd/4',os.O_RDWR)
          """#),
        EscapeAttempt(
          "proc mem of init",
          #"""
          attempt(open,'/proc/1/mem','rb+')
          attempt(open,'/proc/1/environ')
          """#),
        EscapeAttempt(
          "cgroup release agent",
          #"""
          [attempt(open,f,'w') for f in ('/sys/fs/cgroup/release_agent','/sys/fs/cgroup/memory/release_agent',
              '/sys/fs/cgroup/cgroup.procs')]
          """#),
        EscapeAttempt(
          "core pattern file",
          #"""
          resource.setrlimit(resource.RLIMIT_CORE,(1,1)) if 0 else None
          resource.setrlimit(resource.RLIMIT_CORE,(resource.RLIM_INFINITY,resource.RLIM_INFINITY))
          print('escaped') if resource.getrlimit(resource.RLIMIT_CORE)!=(1,1) else None
          sh('ulimit -c unlimited; sleep 9 & p=$!; kill -SEGV $p')
          """#),
      ]
    ),
    (
      "persistence",
      [
        EscapeAttempt(
          "daemon double fork",
          #"""
          if os.fork()==0:
            os.setsid()
            if os.fork()==0:
              os.execv('/usr/bin/python3',['python3','-c','import time;time.sleep(99)',MARK])
            os._exit(0)
          time.sleep(.3)
          """#),
        EscapeAttempt(
          "nohup setsid",
          #"""
          sh('setsid nohup python3 -c "import time;time.sleep(99)" '+MARK+' >/dev/null 2>&1 &')
          """#),
        EscapeAttempt(
          "cron at systemd",
          #"""
          for c in ('crontab -l','at now','systemd-run true','systemctl start x','loginctl'):
            r=subprocess.run(['/bin/sh','-c',c],stdout=subprocess.PIPE,stderr=subprocess.STDOUT)
            if r.returncode==0: print('escaped',c)
          """#),
        EscapeAttempt(
          "crontab files",
          #"""
          [attempt(open,f,'w') for f in ('/var/spool/cron/crontabs/x','/etc/cron.d/x','/etc/systemd/system/x.service',
              HOME+'/.config/systemd/user/x.service',HOME+'/.config/autostart/x')]
          """#),
        EscapeAttempt(
          "git hooks outside",
          #"""
          os.makedirs('.git/hooks',exist_ok=True)
          open('.git/hooks/pre-commit','w').write('#!/bin/sh\ntouch '+CAN+'/made\n')
          os.chmod('.git/hooks/pre-commit',0o755)
          """#),
        EscapeAttempt(
          "git config fsmonitor",
          #"""
          sh('git config core.fsmonitor "touch '+CAN+'/made"; git config core.hooksPath '+CAN+'; git config --global core.pager x')
          """#),
        EscapeAttempt(
          "writes after end",
          #"""
          if os.fork()==0:
            os.setsid()
            os.execv('/bin/sh',['sh','-c','sleep 0.5; echo x > late; : '+MARK])
          """#),
      ]
    ),
    (
      "secrets",
      [
        EscapeAttempt(
          "canary",
          #"""
          attempt(open,CAN+'/secret')
          print(open('sec').read()) if os.path.exists('sec') else None
          """#),
        EscapeAttempt(
          "env",
          #"""
          print(dict(os.environ))
          print(sh('env; cat /proc/*/environ'))
          """#),
        EscapeAttempt("git config token", "print(sh('cat .git/config; git config -l; git remote -v'))"),
        EscapeAttempt("git config in index of objects", "print(sh('grep -r s3cr3t .git || true'))"),
        EscapeAttempt(
          "keyring",
          #"""
          r=libc.syscall(250,10,-4,b'user',b'esc',0)
          if r>0: print('escaped key',r)
          for i in (-1,-2,-3,-4,-5): call(250,11,i,0,0)
          call(249,b'user',b'esc',0,0)
          print(sh('cat /proc/keys /proc/key-users'))
          """#),
        EscapeAttempt(
          "shadow etc",
          #"""
          [attempt(open,f,'rb') for f in ('/etc/shadow','/etc/gshadow','/etc/sudoers','/proc/kcore','/proc/kmsg',
              '/dev/mem','/dev/kmem','/dev/port','/proc/1/maps','/proc/1/stack','/proc/1/syscall','/proc/kpagecount',
              '/proc/vmallocinfo','/dev/kmsg','/proc/slabinfo','/proc/kallsyms','/sys/kernel/debug')]
          """#),
        EscapeAttempt(
          "kallsyms addresses",
          #"""
          t=open('/proc/kallsyms').read(2000) if os.access('/proc/kallsyms',4) else ''
          print('escaped') if any(l and not l.startswith('0000000000000000') for l in t.splitlines()) else None
          """#),
        EscapeAttempt(
          "cloud metadata files",
          #"""
          [attempt(open,f) for f in ('/var/run/secrets/kubernetes.io/serviceaccount/token','/run/secrets/x',
              '/sys/hypervisor/uuid','/sys/class/dmi/id/product_uuid','/sys/class/dmi/id/board_serial')]
          """#),
        EscapeAttempt(
          "mountinfo of host",
          #"""
          t=open('/proc/self/mountinfo').read()
          print('escaped') if CAN in t or '/canary' in t else None
          """#),
        EscapeAttempt(
          "overlay lower paths in mounts",
          #"""
          t=open('/proc/self/mounts').read()
          print([l for l in t.splitlines() if 'overlay' in l])
          print('escaped') if HOME+'/.ssh' in t else None
          """#),
        EscapeAttempt(
          "fd directories up",
          #"""
          for i in range(3,300):
            try: print('escaped',os.readlink('/proc/self/fd/%d'%i)); os.fstat(i)
            except OSError: pass
          """#),
        EscapeAttempt(
          "git alternates",
          #"""
          open('.git/objects/info/alternates','w').write(CAN+'\n') if os.path.isdir('.git/objects/info') else None
          print(sh('git cat-file -p HEAD'))
          """#),
        EscapeAttempt(
          "sysfs",
          #"""
          for r in ('/sys/class/net','/sys/block','/sys/firmware','/sys/kernel','/sys/fs','/sys/module',
              '/sys/class/dmi'):
            attempt(os.listdir,r)
          """#),
        EscapeAttempt(
          "proc net of host",
          #"""
          t=open('/proc/net/tcp').read()+open('/proc/net/unix').read()
          print('escaped') if ('%04X'%PORT) in t or 'esc-' in t or 'agent.sock' in t else None
          """#),
        EscapeAttempt(
          "sysvipc proc",
          #"""
          t=open('/proc/sysvipc/shm').read()
          print('escaped') if len(t.splitlines())>1 else None
          """#),
        EscapeAttempt(
          "loginuid utmp",
          #"""
          [attempt(open,f,'rb') for f in ('/var/run/utmp','/var/log/wtmp','/var/log/auth.log','/var/log/syslog')]
          """#),
        EscapeAttempt(
          "places at home",
          #"""
          for f in ('.ssh/id_rsa', '.aws/credentials', '.netrc', '.config/gh/hosts.yml', '.docker/config.json',
              '.npmrc', '.pypirc', '.git-credentials', '.kube/config', '.bash_history', '.env'):
            attempt(open, HOME + '/' + f)
            attempt(open, os.path.expanduser('~/' + f))
          """#),
        EscapeAttempt(
          "var and tmp",
          #"""
          for d in '/tmp', '/var/tmp', '/dev/shm':
            if [x for x in os.listdir(d) if not PROJ.startswith(d + '/' + x)]: print('escaped', d)
          for d in '/var/lib', '/var/log', '/var/spool', '/srv', '/mnt', '/media': attempt(os.listdir, d)
          """#),
        EscapeAttempt("descriptors", "if len(os.listdir('/proc/self/fd')) > 4: print('escaped')"),
        EscapeAttempt(
          "other homes",
          #"""
          if [d for d in os.listdir('/home') if not PROJ.startswith('/home/' + d) and d != 'agent']: print('escaped')
          attempt(os.listdir, '/root/.ssh')
          attempt(os.listdir, HOME + '/.ssh')
          """#),
        EscapeAttempt(
          "processes",
          #"""
          if len([d for d in os.listdir('/proc') if d.isdigit()]) > 4: print('escaped')
          attempt(open, '/proc/%d/environ' % VICTIM)
          """#),
      ]
    ),
    (
      "kernel interfaces",
      [
        EscapeAttempt(
          "proc files",
          #"""
          [attempt(open,f,'w') for f in ('/proc/sysrq-trigger','/proc/irq/default_smp_affinity','/proc/timer_list',
              '/proc/sys/kernel/x','/proc/mtrr','/proc/scsi/scsi','/proc/bus/pci/00/00.0','/proc/fs/nfsd',
              '/proc/acpi/wakeup','/proc/latency_stats')]
          """#),
        EscapeAttempt(
          "sysfs writes",
          #"""
          [attempt(open,f,'w') for f in ('/sys/kernel/uevent_helper','/sys/devices/system/cpu/cpu1/online',
              '/sys/kernel/mm/transparent_hugepage/enabled','/sys/power/state','/sys/module/x')]
          """#),
        EscapeAttempt(
          "devices",
          #"""
          [attempt(open,f,'rb') for f in ('/dev/mem','/dev/sda','/dev/vda','/dev/kvm','/dev/fuse','/dev/net/tun',
              '/dev/loop-control','/dev/loop0','/dev/snapshot','/dev/input/event0','/dev/uinput','/dev/rtc0',
              '/dev/hwrng','/dev/vhost-net','/dev/userfaultfd','/dev/kmsg','/dev/console','/dev/tty0','/dev/ptmx1')]
          """#),
        EscapeAttempt(
          "oom adj of others",
          #"""
          attempt(open,'/proc/1/oom_score_adj','w')
          attempt(open,'/proc/self/oom_score_adj','w').write('-1000') if 0 else None
          try:
            f=open('/proc/self/oom_score_adj','w')
            f.write('-1000')
            f.close()
            print('escaped')
          except OSError: pass
          """#),
        EscapeAttempt(
          "uid map gid map setgroups",
          #"""
          for x in ('uid_map','gid_map','setgroups','loginuid','sessionid'):
            try:
              f=os.open('/proc/self/'+x,os.O_WRONLY)
              os.write(f,b'0 0 1')
              print('escaped',x)
            except OSError: pass
          """#),
        EscapeAttempt(
          "attr and timens",
          #"""
          for x in ('attr/current','attr/exec','timens_offsets','clear_refs','coredump_filter','sched','autogroup',
              'projid_map'):
            try:
              f=os.open('/proc/1/'+x,os.O_WRONLY)
              os.write(f,b'1')
              print('escaped',x)
            except OSError: pass
          """#),
        EscapeAttempt(
          "cgroupfs",
          #"""
          [attempt(os.listdir,d) for d in ('/sys/fs/cgroup','/sys/fs/bpf')]
          t=open('/proc/self/cgroup').read()
          print('escaped',t) if 'codeagent' in t else None
          """#),
        EscapeAttempt(
          "sysctls",
          #"""
          for f in (
              'kernel/core_pattern', 'kernel/hostname', 'kernel/domainname',
              'kernel/randomize_va_space', 'vm/overcommit_memory', 'vm/drop_caches',
              'net/ipv4/ip_forward', 'net/ipv4/ping_group_range', 'net/core/somaxconn',
              'fs/file-max', 'fs/mqueue/msg_max', 'kernel/shmmax',
              'kernel/msgmax', 'kernel/sem', 'kernel/modprobe',
              'kernel/hotplug', 'kernel/unprivileged_userns_clone', 'user/max_user_namespaces',
              'kernel/panic', 'kernel/sysrq', 'kernel/yama/ptrace_scope',
              'kernel/ns_last_pid', 'kernel/keys/maxkeys', 'kernel/cap_last_cap',
              'fs/binfmt_misc/register', 'kernel/poweroff_cmd', 'net/ipv4/tcp_congestion_control',
              'net/ipv6/conf/lo/disable_ipv6', 'vm/compact_memory'):
            for mode in 'w', 'r+':
              attempt(open, '/proc/sys/' + f, mode)
          """#),
      ]
    ),
    (
      "attack surface",
      [
        EscapeAttempt(
          "unshare each",
          #"""
          [call(272,f) for f in (0x20000,0x40000000,0x20000000,0x8000000,0x4000000,0x2000000,0x10000000,0x80,
              0x10000000|0x20000)]
          """#),
        EscapeAttempt(
          "clone flags",
          #"""
          for f in (0x10000000,0x20000,0x40000000,0x20000000,0x8000000,0x4000000,0x2000000):
            r=libc.syscall(56,f|17,0,0,0,0)
            if r==0: os._exit(0)
            if r>0: print('escaped clone',hex(f))
          """#),
        EscapeAttempt(
          "setns",
          #"""
          for n in ('mnt','net','user','pid','ipc','uts','cgroup'):
            f=os.open('/proc/self/ns/'+n,os.O_RDONLY)
            call(308,f,0)
            attempt(os.open,'/proc/1/ns/'+n,os.O_RDONLY)
          """#),
        EscapeAttempt(
          "mount family",
          #"""
          [call(*x) for x in ((165,b'x',b'/tmp',b'tmpfs',0,0),(165,b'/',b'/tmp',0,4096,0),(166,b'/proc',2),(155,b'.',
              b'.'),(161,b'.'),(428,-100,b'/',1),(429,-1,b'',-1,b'',4),(430,b'tmpfs',0),(431,-1,0,0,0,0),(432,-1,0,0),
              (433,-100,b'/',0),(442,-100,b'/',0,0,0),(467,-100,b'/',0,0,0))]
          """#),
        EscapeAttempt(
          "bpf perf uffd", "[call(*x) for x in ((321,0,0,0),(321,5,0,0),(298,0,0,-1,-1,0),(323,1),(323,0))]"),
        EscapeAttempt(
          "io_uring",
          #"""
          [call(*x) for x in ((425,1,b'\0'*120),(426,0,0,0,0),(427,0,0,0,0))]
          """#),
        EscapeAttempt(
          "kexec modules",
          #"""
          [call(*x) for x in ((246,0,0,0,0),(320,-1,-1,0,0,0),(175,b'x',1,b''),(313,-1,b'',0),(176,b'x',0))]
          """#),
        EscapeAttempt(
          "reboot time",
          #"""
          [call(*x) for x in ((169,0xfee1dead,672274793,0,0),(164,b'\0'*16,0),(227,0,b'\0'*16),(159,b'\1'+b'\0'*208),
              (305,0,b'\1'+b'\0'*208))]
          """#),
        EscapeAttempt(
          "keyctl",
          #"""
          [call(*x) for x in ((250,0,-3,0),(248,b'user',b'a',b'b',1,-3),(249,b'user',b'a',0,0),(250,1,0))]
          """#),
        EscapeAttempt(
          "ptrace traceme of init",
          #"""
          call(101,16,1,0,0)
          call(101,0x4206,1,0,0)
          call(310,1,0,0,0,0,0)
          call(311,1,0,0,0,0,0)
          """#),
        EscapeAttempt(
          "pidfd",
          #"""
          r=libc.syscall(434,1,0)
          if r>=0:
            call(438,r,0,0)
            call(438,r,3,0)
            call(424,r,9,0,0)
          """#),
        EscapeAttempt(
          "32 bit entry",
          #"""
          import tempfile
          b=bytes.fromhex('b814000000cd80c3')
          m=mmap.mmap(-1,4096,prot=7)
          m.write(b)
          pid=os.fork()
          if pid==0:
            f=ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(m)))
            r=f()
            if r==os.getpid(): os.write(1,b'escaped int80')
            os._exit(0)
          os.waitpid(pid,0)
          """#),
        EscapeAttempt(
          "x32",
          #"""
          pid=os.fork()
          if pid==0:
            r=libc.syscall(0x40000000+39)
            if r>0: os.write(1,b'escaped x32')
            os._exit(0)
          os.waitpid(pid,0)
          """#),
        EscapeAttempt(
          "clone3 enosys",
          #"""
          ctypes.set_errno(0)
          libc.syscall(435,0,0)
          print('escaped') if ctypes.get_errno()!=38 else None
          """#),
        EscapeAttempt(
          "socket families",
          #"""
          [attempt(socket.socket,f,k,0) for f in range(0,46) for k in (1,2,3,5) if f not in (1,2,10,16)]
          """#),
        EscapeAttempt("netlink kinds", "[attempt(socket.socket,16,3,p) for p in range(1,23)]"),
        EscapeAttempt("raw packet", "[attempt(socket.socket,f,3,p) for f,p in ((2,1),(2,255),(10,58),(17,3),(2,6))]"),
        EscapeAttempt(
          "vsock alg xdp",
          #"""
          [attempt(socket.socket,f,k) for f,k in ((40,1),(38,5),(44,3),(29,3),(31,3),(39,1))]
          """#),
        EscapeAttempt(
          "sctp dccp mptcp",
          #"""
          [attempt(socket.socket,2,1,p) for p in (132,33,262)]
          attempt(socket.socket,2,5,132)
          attempt(socket.socket,2,6,33)
          """#),
        EscapeAttempt(
          "socketpair families",
          #"""
          for f in (30,31,16):
            try: socket.socketpair(f,1); print('escaped')
            except OSError: pass
          """#),
        EscapeAttempt(
          "tun netdev ioctl",
          #"""
          s=socket.socket(2,2)
          [attempt(fcntl.ioctl,s,c,b'lo'+b'\0'*38) for c in (0x8914,0x8916,0x8922,0x8946,0x89a0,0x8b00)]
          """#),
        EscapeAttempt(
          "netlink add link",
          #"""
          s=socket.socket(16,3,0)
          s.bind((0,0))
          m=struct.pack('IHHII',32,16,5,1,0)+struct.pack('BBHiII',0,0,1,0,0,0)
          s.send(m)
          d=s.recv(4096)
          e=struct.unpack('i',d[16:20])[0]
          print('escaped',e) if e>=0 else None
          """#),
        EscapeAttempt(
          "iptables nft",
          #"""
          r=subprocess.run(['/bin/sh','-c',
              'nft list ruleset; iptables -L; ip link add d0 type dummy; ip addr add 10.9.9.9/8 dev lo'],
              stdout=subprocess.PIPE,stderr=subprocess.PIPE)
          print('escaped') if '10.9.9.9' in sh('ip addr') else None
          """#),
        EscapeAttempt(
          "personality uselib quotactl",
          #"""
          [call(*x) for x in ((135,0x0400000),(135,8),(179,0,0,0,0),(134,b'x'),(136,0,0),(156,0),(212,0,0,0),(180,0,0,
              0))]
          """#),
        EscapeAttempt(
          "acct swapon syslog",
          #"""
          [call(*x) for x in ((163,b'x'),(167,b'x',0),(168,b'x'),(103,3,0,0),(103,10,0,0),(153,))]
          """#),
        EscapeAttempt(
          "iopl ioperm ldt",
          #"""
          [call(*x) for x in ((172,3),(173,0,1,1),(154,1,b'\0'*16,16))]
          """#),
        EscapeAttempt("fanotify lookup_dcookie", "[call(*x) for x in ((300,0,0),(212,0,0,0),(443,-1,0,0,0))]"),
        EscapeAttempt(
          "memfd secret migrate",
          #"""
          [call(*x) for x in ((447,0),(256,1,0,0,0),(279,1,0,0,0,0,0),(312,1,1,0,0,0),(440,-1,0,0,0,0))]
          """#),
        EscapeAttempt("landlock lsm attr", "call(460,100,b'',0,0)"),
        EscapeAttempt(
          "prctl secc",
          #"""
          print('escaped') if libc.prctl(39,0,0,0,0)!=1 else None
          print('escaped seccomp') if libc.prctl(21,0,0,0,0)!=2 else None
          call(157,23,21,0,0) if 0 else None
          for c in range(41):
            if libc.prctl(23,c,0,0,0)==1: print('escaped cap bound',c); break
          """#),
        EscapeAttempt(
          "caps",
          #"""
          t=open('/proc/self/status').read()
          for l in t.splitlines():
            if l.startswith('Cap') and int(l.split()[1],16)!=0: print('escaped',l)
          print('escaped') if 'NoNewPrivs:\t1' not in t else None
          """#),
        EscapeAttempt(
          "setuid binaries",
          #"""
          for c in ('su -c id','sudo -n id','passwd -S','mount','newgrp','pkexec id','ping -c1 127.0.0.1',
              'fusermount3 -V'):
            o=sh(c)
            if 'uid=0' in o: print('escaped',c,o)
          """#),
        EscapeAttempt(
          "setuid calls",
          #"""
          attempt(os.setuid,0)
          attempt(os.setgid,0)
          attempt(os.setgroups,[0])
          attempt(os.seteuid,0)
          attempt(os.setresuid,0,0,0)
          call(122,0) if 0 else None
          """#),
        EscapeAttempt(
          "host root uid",
          #"""
          print(open('/proc/self/uid_map').read())
          m=open('/proc/self/uid_map').read().split()
          print('escaped') if m[0]=='0' else None
          """#),
        EscapeAttempt("chroot", "attempt(os.chroot,'.')"),
        EscapeAttempt("fuse", "attempt(os.open,'/dev/fuse',os.O_RDWR)"),
        EscapeAttempt("userfaultfd dev", "attempt(open,'/dev/userfaultfd')"),
        EscapeAttempt(
          "set_mempolicy acct kcmp",
          #"""
          call(312,1,2,0,0,0)
          call(163,0)
          """#),
        EscapeAttempt(
          "nfsservctl vhangup",
          #"""
          call(180,0,0,0)
          call(153)
          """#),
        EscapeAttempt(
          "sched rt",
          #"""
          for p in (1,2):
            try: os.sched_setscheduler(0,p,os.sched_param(1)); print('escaped rt',p)
            except OSError: pass
          try: os.nice(-5); print('escaped nice')
          except OSError: pass
          """#),
      ]
    ),
    (
      "processes",
      [
        EscapeAttempt(
          "kill victim",
          #"""
          [attempt(os.kill,VICTIM,s) for s in (0,9,15)]
          attempt(os.kill,-1,0) if 0 else None
          """#),
        EscapeAttempt(
          "kill init",
          #"""
          [os.kill(1,s) for s in (9,15,19,2,1)]
          time.sleep(.1)
          """#),
        EscapeAttempt(
          "init limits",
          #"""
          attempt(resource.prlimit,1,resource.RLIMIT_NOFILE,(1,1))
          attempt(os.setpriority,0,1,19)
          attempt(os.sched_setaffinity,1,{0})
          attempt(os.setpriority,2,0,19)
          attempt(os.setpriority,1,0,19)
          """#),
        EscapeAttempt(
          "proc visible others",
          #"""
          print('escaped') if len([d for d in os.listdir('/proc') if d.isdigit()])>3 else None
          attempt(os.listdir,'/proc/%d'%VICTIM)
          """#),
      ]
    ),
    (
      "resources",
      [
        EscapeAttempt(
          "rlimit raise",
          #"""
          attempt(resource.setrlimit,resource.RLIMIT_NPROC,(-1,-1))
          attempt(resource.setrlimit,resource.RLIMIT_FSIZE,(-1,-1))
          attempt(resource.setrlimit,resource.RLIMIT_CPU,(-1,-1))
          attempt(resource.setrlimit,resource.RLIMIT_NOFILE,(1<<20,1<<20))
          """#)
      ]
    ),
    (
      "network",
      [
        EscapeAttempt(
          "host loopback",
          #"""
          attempt(socket.create_connection,('127.0.0.1',PORT),2)
          attempt(socket.create_connection,('::1',PORT),2)
          """#),
        EscapeAttempt(
          "host addresses",
          #"""
          for h in ('10.0.0.1','172.17.0.1','192.168.0.1','192.168.1.1','169.254.169.254','8.8.8.8','1.1.1.1'):
            attempt(socket.create_connection,(h,80),1)
          """#),
        EscapeAttempt(
          "resolver",
          #"""
          attempt(socket.getaddrinfo,'example.com',80)
          attempt(socket.gethostbyname,'localhost.localdomain.example')
          """#),
        EscapeAttempt(
          "unix in canary",
          #"""
          s=socket.socket(1)
          attempt(s.connect,CAN+'/agent.sock')
          attempt(s.connect,'out/agent.sock')
          """#),
        EscapeAttempt(
          "unix in repo",
          #"""
          s=socket.socket(1)
          attempt(s.connect,'host.sock')
          attempt(s.connect,PROJ+'/host.sock')
          """#),
        EscapeAttempt(
          "abstract",
          #"""
          s=socket.socket(1)
          attempt(s.connect,ABS)
          s=socket.socket(1,2)
          attempt(s.connect,ABS)
          """#),
        EscapeAttempt(
          "docker dbus x11",
          #"""
          s=socket.socket(1)
          [attempt(s.connect,p) for p in ('/var/run/docker.sock','/run/docker.sock','/run/dbus/system_bus_socket',
              '/run/systemd/private','/tmp/.X11-unix/X0','/run/user/0/bus','/run/containerd/containerd.sock',
              '/run/podman/podman.sock','/run/snapd.socket','/dev/log','/run/systemd/journal/socket',
              '/run/nscd/socket')]
          """#),
        EscapeAttempt(
          "interfaces",
          #"""
          t=open('/proc/net/dev').read()
          print('escaped',t) if [l for l in t.splitlines()[2:] if not l.strip().startswith(('lo:','tunl','sit',
              'ip6tnl','gre','erspan','ip_vti','ip6_vti'))] else None
          """#),
        EscapeAttempt(
          "icmp",
          #"""
          try:
            s=socket.socket(2,2,1)
            s.sendto(b'\x08\0'+b'\0'*6,('8.8.8.8',0))
            print('escaped')
          except OSError: pass
          """#),
        EscapeAttempt(
          "ipv6 multicast",
          #"""
          s=socket.socket(10,2)
          attempt(s.sendto,b'x',('ff02::1',9,0,1)) if 0 else None
          s4=socket.socket(2,2)
          attempt(s4.sendto,b'x',('224.0.0.1',9))
          """#),
      ]
    ),
    (
      "terminal",
      [
        EscapeAttempt(
          "tiocsti",
          #"""
          import pty
          m,s=pty.openpty()
          [attempt(fcntl.ioctl,s,c,b'x') for c in (0x5412,)]
          attempt(fcntl.ioctl,s,0x541c,b'\x03')
          attempt(fcntl.ioctl,s,0x5423,b'\0'*4)
          attempt(fcntl.ioctl,0,0x5412,b'x')
          attempt(fcntl.ioctl,1,0x5412,b'x')
          """#),
        EscapeAttempt(
          "tty devices",
          #"""
          [attempt(open,f) for f in ('/dev/tty','/dev/console','/dev/pts/0','/dev/tty1','/dev/vcs')]
          """#),
      ]
    ),
    (
      "git",
      [
        EscapeAttempt(
          "hook runs outside",
          #"""
          sh('git config core.hooksPath .h; mkdir .h; printf "#!/bin/sh\\ntouch %s/made\\n" > .h/post-checkout; chmod +x .h/*; git checkout -qb x' % CAN)
          """#),
        EscapeAttempt(
          "external diff etc",
          #"""
          sh('git config diff.external "touch '+CAN+'/made"; git config core.sshCommand "touch '+CAN+'/made"; echo "* diff=x filter=y" > .gitattributes; git config filter.y.clean "touch '+CAN+'/made; cat"; git config filter.y.smudge "touch '+CAN+'/made; cat"; git config core.pager x; git config alias.st "!touch '+CAN+'/made"')
          """#),
        EscapeAttempt(
          "gitdir file",
          #"""
          sh('mv .git .g2; printf "gitdir: %s\\n" > .git' % CAN)
          print(sh('git status'))
          """#),
      ]
    ),
    (
      "configuration poisoning",
      [
        EscapeAttempt(
          "agent files",
          #"""
          [open(f,'w').write('{}') for f in ('AGENTS.md','CLAUDE.md','.mcp.json')]
          os.makedirs('.vscode')
          open('.vscode/tasks.json','w').write('{}')
          """#),
        EscapeAttempt(
          "etc codeagent",
          #"""
          attempt(os.listdir,
              '/etc/codeagent') if os.path.exists('/etc/codeagent') and os.listdir('/etc/codeagent') else None
          attempt(open,'/etc/codeagent/config.toml','w')
          """#),
        EscapeAttempt(
          "shell start files",
          #"""
          [attempt(open,f,'a') for f in (HOME+'/.bashrc',HOME+'/.profile','/etc/bash.bashrc','/etc/environment')]
          open(os.path.expanduser('~/.bashrc'),'a').write('x')
          """#),
      ]
    ),
    (
      "build tools",
      [
        EscapeAttempt(
          "npm cargo caches",
          #"""
          [attempt(open,HOME+x,'w') for x in ('/.npmrc','/.cargo/config','/.m2/settings.xml','/.gradle/init.gradle')]
          """#),
        EscapeAttempt(
          "ld preload of later",
          #"""
          attempt(open,'/etc/ld.so.preload','w')
          attempt(open,'/run/codeagent/launch','r+b')
          attempt(os.unlink,'/run/codeagent/launch')
          """#),
        EscapeAttempt(
          "make writes parent",
          #"""
          open('Makefile','w').write('all:\n\ttouch ../made '+HOME+'/made\n')
          sh('make')
          """#),
      ]
    ),
  ]
}
