# A host of backup providers, as vzdump and qemu-server and pve-container are: makes calls in their order, in the processes that
# they use. It is told on standard input what to do, a line of JSON, and asks there for disks; it answers on standard output.

use v5.36;

use Fcntl qw(O_DIRECT O_RDWR);
use IO::Handle;
use JSON::PP;
use POSIX qw(WNOHANG);
use Time::HiRes qw(usleep);

use PVE::Storage;
use PVE::Tools;

my $json = JSON::PP->new->utf8->canonical->allow_nonref;
$| = 1;

sub say_to_test ($what, $value) {
    STDOUT->print($json->encode({ what => $what, value => $value }) . "\n");
    STDOUT->flush;
    return;
}

sub hear () {
    my $line = <STDIN> // die "the test has gone\n";
    return $json->decode($line);
}

my $task = hear();
$ENV{TENON_BITMAP_DIR} = $task->{bitmaps} if $task->{bitmaps};
$ENV{TENON_SOCKET} = $task->{socket} if $task->{socket};
my ($vmid, $type) = $task->@{qw(vmid type)};
my $is_draft = $task->{host} eq 'draft';

# As in PVE's workers.
for my $signal (qw(HUP INT QUIT TERM)) {
    $SIG{$signal} = sub { die "interrupted by signal\n" };
}

sub log_line ($level, $message = '') {
    say_to_test(log => "$level: $message");
    return;
}

# ---- the provider

sub new_provider () {
    my ($storeid, $scfg) = $task->@{qw(storeid scfg)};
    if ($task->{socket}) {
        require Tenon::Proxy;
        return Tenon::Proxy->forward($task->{socket}, $task->{plugin}, 'new_backup_provider', 0,
            'PVE::Storage::Plugin', $scfg, $storeid, \&log_line);
    }
    require $task->{file};
    require Tenon::Backup::Dialect;
    my $provider = $task->{plugin}->new_backup_provider($scfg, $storeid, \&log_line);
    return Tenon::Backup::Dialect::fit($provider, $task->{host}, $storeid);
}

sub slurp ($file) {
    open(my $in, '<:raw', $file) or die "$file: $!\n";
    local $/ = undef;
    return scalar(<$in>);
}

# ---- what the dialects of hosts differ in

my $provider;

sub job_start () {
    return $is_draft
        ? $provider->job_hook('start', { 'start-time' => $task->{start} })
        : $provider->job_init($task->{start});
}

sub job_end ($error) {
    return $provider->job_cleanup if !$is_draft;
    return defined($error)
        ? $provider->job_hook('abort', { error => $error })
        : $provider->job_hook('end', {});
}

sub begin () {
    if ($is_draft) {
        my $name = $provider->backup_get_archive_name($vmid, $type, $task->{start});
        $provider->backup_hook('start', $vmid, $type, { 'start-time' => $task->{start} });
        return $name;
    }
    my $answer = $provider->backup_init($vmid, $type, $task->{start});
    die "backup_init: no hash\n" if ref($answer) ne 'HASH';
    die "backup_init: '$answer->{'archive-name'}'\n"
        if $answer->{'archive-name'} !~ m!\A[a-zA-Z0-9.+=_:/-]+\z!;
    return $answer->{'archive-name'};
}

sub cleanup ($success, $error = undef) {
    if ($is_draft) {
        $provider->backup_hook($success ? 'end' : 'abort',
            $vmid, $type, $success ? {} : { error => $error });
        return $success ? $provider->backup_get_task_size($vmid) : undef;
    }
    my $answer =
        $provider->backup_cleanup($vmid, $type, $success, $success ? {} : { error => $error });
    return if !$success;
    die "backup_cleanup: no hash\n" if ref($answer) ne 'HASH';
    return $answer->{stats}->{'archive-size'};
}

# The answers for the disks, and how they are read.
sub mechanism ($sizes) {
    my %volumes = map { $_ => { size => $sizes->{$_} } } keys $sizes->%*;
    if ($is_draft) {
        $provider->set_sizes($vmid, \%volumes, $task->{bitmap})
            if $type eq 'qemu' && $provider->can('set_sizes');
        my ($mechanism, $bitmap) = $provider->backup_get_mechanism($vmid, $type);
        say_to_test(bitmap => $bitmap);
        my $answer =
              !defined($bitmap) ? 'none'
            : $bitmap eq ($task->{bitmap} // '') ? 'use'
            : 'new';
        return ($mechanism, { map { $_ => $answer } keys $sizes->%* });
    }
    my $mechanism = $provider->backup_get_mechanism($vmid, $type);
    return $mechanism if $type ne 'qemu';
    return ($mechanism, $provider->backup_vm_query_incremental($vmid, \%volumes) // {});
}

# ---- the data of a VM

my @mounted;

# As qemu-server does: libnbd shows the export as a file, and tells what of it is dirty.
sub file_handle ($device, $volume) {
    my $uri = "nbd+unix:///$device?socket=$volume->{'nbd-path'}";
    my $dir = "$task->{work}/$device.$$";
    mkdir($dir) or die "$dir: $!\n";
    my $pid = fork() // die "fork: $!\n";
    if (!$pid) {
        exec('nbdfuse', '--pidfile', "$dir.pid", "$dir/$device", $uri)
            or POSIX::_exit(127);
    }
    push @mounted, { dir => $dir, file => "$dir/$device", pid => $pid };
    for (1 .. 1000) {
        last if -e "$dir.pid";
        die "nbdfuse ended\n" if waitpid($pid, WNOHANG) == $pid;
        usleep(10_000);
    }
    sysopen(my $fh, "$dir/$device", O_RDWR | O_DIRECT) or die "$dir/$device: $!\n";
    my $next;
    if ($volume->{'bitmap-name'}) {
        my $info =
            open(my $map, '-|', 'nbdinfo', "--map=qemu:dirty-bitmap:$volume->{'bitmap-name'}",
            $uri);
        $next = sub {
            while (defined(my $line = <$map>)) {
                my ($offset, $length, $dirty) = $line =~ m/^\s*(\d+)\s+(\d+)\s+(\d+)/ or next;
                return ($offset, $length) if $dirty;
            }
            return;
        };
    } else {
        my $done;
        $next = sub { return $done++ ? () : (0, $volume->{size}) };
    }
    return {
        size => $volume->{size},
        'bitmap-mode' => $volume->{'bitmap-mode'},
        'file-handle' => $fh,
        'next-dirty-region' => $next,
    };
}

sub unmount () {
    for my $mount (splice(@mounted)) {
        system('umount', '--lazy', $mount->{dir});
        waitpid($mount->{pid}, 0);
        rmdir($mount->{dir});
        unlink("$mount->{dir}.pid");
    }
    return;
}

sub info () {
    my $info = {};
    $info->{'firewall-config'} = slurp($task->{firewall}) if defined($task->{firewall});
    $info->{'bandwidth-limit'} = $task->{limit} if $task->{limit};
    return $info;
}

sub vm_data () {
    my ($mechanism, $answers) = mechanism($task->{sizes});
    say_to_test(mechanism => $mechanism);
    say_to_test(setup => $answers);
    my $volumes = hear();
    my $handed =
        $mechanism eq 'file-handle'
        ? { map { $_ => file_handle($_, $volumes->{$_}) } keys $volumes->%* }
        : $volumes;
    my $good =
        eval { $provider->backup_vm($vmid, slurp($task->{config}), $handed, info()); 1 };
    my $err = $@;
    close($_->{'file-handle'}) for grep { $_->{'file-handle'} } values $handed->%*;
    unmount();
    die $err if !$good;
    return;
}

# ---- the data of a container

sub container_data () {
    my ($mechanism) = mechanism({});
    say_to_test(mechanism => $mechanism);
    my $info = info();
    $info->{'firewall-config'} //= '';
    $info->{directory} = mounted_alone($task->{directory});
    $info->{sources} = $task->{sources};
    $info->{'backup-user-id'} = $task->{root};
    if ($is_draft) {
        $provider->backup_hook('prepare', $vmid, 'lxc', $info);
    } else {
        $provider->backup_container_prepare($vmid, $info);
    }
    my $config = slurp($task->{config});
    my $run = sub {
        say_to_test(child => $$) if $task->{tells_child};
        return $provider->backup_container($vmid, $config, $task->{exclude}, $info);
    };
    return $run->() if !$task->{root};
    return run_in_userns($run, $task->{root});
}

# As pve-container does: the worker has a mount namespace of its own from now on, and nobody outside finds the files by name.
sub mounted_alone ($directory) {
    syscall(272, 0x00020000) == 0 or die "unshare: $!\n";
    system('mount', '--make-rslave', '/') == 0 or die "mount failed\n";
    system('mount', '--bind', $directory, '/mnt') == 0 or die "mount failed\n";
    return '/mnt';
}

# As PVE's run_in_userns and run_fork: the child is root in namespaces of its own, answers in JSON, and is taken for a
# success when it says nothing.
sub run_in_userns ($code, $root) {
    pipe(my $ready_in, my $ready_out) or die "pipe: $!\n";
    pipe(my $mapped_in, my $mapped_out) or die "pipe: $!\n";
    pipe(my $in, my $out) or die "pipe: $!\n";
    my $pid = fork() // die "fork: $!\n";
    if (!$pid) {
        close($_) for $ready_in, $mapped_out, $in;
        my $good = eval {
            syscall(272, 0x10000000 | 0x00020000) == 0 or die "unshare: $!\n";
            syswrite($ready_out, "x");
            sysread($mapped_in, my $mapped, 1) or die "no ids were mapped\n";
            POSIX::setgid(0) or die "setgid: $!\n";
            $) = '0 0';
            POSIX::setuid(0) or die "setuid: $!\n";
            my $result = $code->();
            syswrite($out, $json->encode({ result => $result }));
            1;
        };
        syswrite($out, $json->encode({ error => "$@" })) if !$good;
        POSIX::_exit(0);
    }
    close($_) for $ready_out, $mapped_in, $out;
    sysread($ready_in, my $ready, 1);
    for my $file (qw(uid_map gid_map)) {
        open(my $map, '>', "/proc/$pid/$file") or die "$file: $!\n";
        syswrite($map, "0 $root 65536\n") or die "$file: $!\n";
    }
    syswrite($mapped_out, "x");
    my $said = '';
    1 while sysread($in, $said, 65536, length($said));
    waitpid($pid, 0);
    my $answer = eval { $json->decode($said) };
    if (!$answer) {
        say_to_test(warning => 'the child said nothing');
        return;
    }
    die $answer->{error} if defined($answer->{error});
    return $answer->{result};
}

# ---- the job

sub fails_at ($where) {
    die "the $where failed\n" if ($task->{fail} // '') eq $where;
    return;
}

sub backup_guest () {
    my $name;
    my $good = eval {
        fails_at('lock');
        $name = begin();
        say_to_test(archive => $name);
        fails_at('hook');
        $type eq 'qemu' ? vm_data() : container_data();
        say_to_test(data => 'done');
        hear() if $task->{waits_after_data};
        fails_at('protected flag');
        my $size = cleanup(1);
        say_to_test(size => $size);
        fails_at('end hook');
        1;
    };
    my $err = $@;
    if (!$good) {
        unmount();
        say_to_test(error => $err);
        eval { cleanup(0, $err); 1 } or say_to_test(warning => "cleanup: $@");
    }
    if ($task->{log}) {
        $provider->backup_handle_log_file($vmid, $task->{log});
    }
    die $err if !$good && $err eq "interrupted by signal\n";
    return $good ? $name : undef;
}

sub backup () {
    $provider = new_provider();
    say_to_test(class => ref($provider));
    my $name;
    my $good = eval {
        job_start();
        say_to_test(provider => $provider->provider_name);
        $name = backup_guest();
        1;
    };
    my $err = $@;
    my $ended = eval { job_end($good ? undef : $err); 1 };
    if (!$ended) {
        say_to_test(warning => "job: $@");
        eval { job_end($good ? undef : $err) };
    }
    say_to_test('job error' => $err) if !$good;
    say_to_test(result => $name);
    return;
}

# ---- restores

sub copy_disk ($path, $target) {

    # As PVE does before it takes a path.
    stat($path) or die "unable to stat '$path': $!\n";
    system('qemu-img', 'convert', '-n', '-f', 'raw', '-O', 'raw', $path, $target) == 0
        or die "copy failed\n";
    return;
}

# The object is made in one process, and used in another.
sub in_worker ($code) {
    my $pid = fork() // die "fork: $!\n";
    if (!$pid) {
        my $good = eval { $code->(); 1 };
        say_to_test(error => "$@") if !$good;
        STDOUT->flush;
        POSIX::_exit($good ? 0 : 1);
    }
    waitpid($pid, 0);
    return;
}

sub config_of ($volname, $storeid) {
    my $object = new_provider();
    return $is_draft
        ? $object->restore_get_guest_config($volname, $storeid)
        : $object->archive_get_guest_config($volname, $storeid);
}

sub write_file ($file, $bytes) {
    open(my $out, '>:raw', $file) or die "$file: $!\n";
    print {$out} $bytes;
    close($out) or die "$file: $!\n";
    return;
}

sub restore () {
    my ($volname, $storeid, $to) = $task->@{qw(volname storeid to)};
    my @store = $is_draft ? ($storeid) : ();
    $provider = new_provider();
    in_worker(
        sub {
            write_file("$to/early.conf", config_of($volname, $storeid));

            # qemu-server passes no id, pve-container does, and in the place of the hash.
            my ($mechanism, $vmtype) =
                $provider->restore_get_mechanism($volname, $type eq 'lxc' ? $storeid : @store);
            say_to_test(mechanism => "$mechanism $vmtype");
            my @container = $is_draft ? ($storeid, {}) : ($storeid, {});
            if ($vmtype eq 'qemu') {
                my $good = eval { restore_vm($volname, $to, @store); 1 };
                my $err = $@;
                $provider->restore_vm_cleanup($volname, @store);
                die $err if !$good;
            } else {
                my $found = $provider->restore_container_init($volname, @container);
                my $good = eval { unpack_tree($found, $to); 1 };
                my $err = $@;
                $provider->restore_container_cleanup($volname, @container);
                die $err if !$good;
            }
            my $object = new_provider();
            my $firewall =
                  $is_draft
                ? $object->restore_get_firewall_config($volname, $storeid)
                : $object->archive_get_firewall_config($volname, ($storeid) x ($type eq 'lxc'));
            write_file("$to/firewall.conf", $firewall) if defined($firewall);
        });
    say_to_test(result => 'restored');
    return;
}

sub restore_vm ($volname, $to, @store) {
    my $devices = $provider->restore_vm_init($volname, @store);
    my $config =
          $is_draft
        ? $provider->restore_get_guest_config($volname, @store)
        : $provider->archive_get_guest_config($volname);
    write_file("$to/guest.conf", $config);
    for my $device (sort keys $devices->%*) {
        my $target = "$to/$device.raw";
        write_file($target, '');
        truncate($target, $devices->{$device}->{size}) or die "$target: $!\n";
        my $found = $provider->restore_vm_volume_init($volname, @store, $device, {});
        my $good = eval { copy_disk($found->{'qemu-img-path'}, $target); 1 };
        my $err = $@;
        $provider->restore_vm_volume_cleanup($volname, @store, $device, {});
        die $err if !$good;
    }
    return;
}

sub unpack_tree ($found, $to) {
    mkdir("$to/tree") or die "$to/tree: $!\n";
    my @unpack = (
        'tar', '--extract',
        '--numeric-owner', '--preserve-permissions',
        '--xattrs', '--xattrs-include=*',
        "--directory=$to/tree"
    );
    if (defined($found->{'tar-path'})) {
        die "'$found->{'tar-path'}' is no tar file\n"
            if $found->{'tar-path'} !~ m/\.tar(?:\.\w+)?\z/;
        system(@unpack, '--file', $found->{'tar-path'}) == 0 or die "tar failed\n";
        return;
    }
    my @pack = (
        'tar', '--create', '--numeric-owner', '--xattrs', '--xattrs-include=*', '--sparse',
        "--directory=$found->{'archive-directory'}", '.'
    );
    my $command = join(' ', map { PVE::Tools::shellquote($_) } @pack) . ' | '
        . join(' ', map { PVE::Tools::shellquote($_) } @unpack);
    system('bash', '-o', 'pipefail', '-c', $command) == 0 or die "tar failed\n";
    return;
}

# ---- anything else that a test wants to call

sub calls () {
    $provider = new_provider();
    for my $call ($task->{calls}->@*) {
        my ($name, @args) = $call->@*;
        my @result = eval { $provider->$name(@args) };
        my $err = $@;
        say_to_test($err ? (died => "$err") : (answer => \@result));
    }
    say_to_test(result => 'called');
    return;
}

my %TASKS = (backup => \&backup, restore => \&restore, calls => \&calls);
$TASKS{ $task->{task} }->();
