package PVE::Storage::Custom::ChainBackupPlugin; ## no critic (RequireFilenameMatchesPackage)

# A storage that keeps backups of guests as chains of qcow2 files, in a directory:
#
#   PATH/VMID/TYPE-VMID-TIME/    an archive
#       guest.conf, firewall.conf
#       DEVICE.qcow2             a disk; an incremental one lies on that of the archive before
#       tree.tar                 the files of a container
#       complete                 says so, once all is there
#
# The file is long because a plugin is one file: the storage and its backup provider.

use strict;
use warnings;

use File::Path qw(remove_tree);

use PVE::Storage;
use PVE::Tools qw(run_command file_get_contents file_set_contents);

use base qw(PVE::Storage::Plugin);

my $NAME_RE = qr/(qemu|lxc)-(\d+)-(\d+)/;

sub api {
    my $host = eval { PVE::Storage::APIVER() } // 11;
    return $host < 11 ? 11 : $host > 16 ? 16 : $host;
}

sub type {
    return 'chainbackup';
}

sub plugindata {
    return {
        content => [{ backup => 1, none => 1 }, { backup => 1 }],
        features => { 'backup-provider' => 1 },
        'sensitive-properties' => {},
    };
}

sub properties {
    return {
        'chainbackup-mechanism' => {
            description => "How the disks of VMs are read.",
            type => 'string',
            enum => ['nbd', 'file-handle'],
            default => 'nbd',
        },
    };
}

sub options {
    return {
        path => { fixed => 1 },
        nodes => { optional => 1 },
        shared => { optional => 1 },
        disable => { optional => 1 },
        content => { optional => 1 },
        'chainbackup-mechanism' => { optional => 1 },
    };
}

# The base class would make one.
sub alloc_image {
    my ($class, $storeid) = @_;

    die "storage '$storeid' keeps backups, and no images\n";
}

sub new_backup_provider {
    my ($class, $scfg, $storeid, $log_function) = @_;

    return PVE::BackupProvider::Plugin::Chain->new($class, $scfg, $storeid, $log_function);
}

# ---- archives as volumes

sub parse_volname {
    my ($class, $volname) = @_;

    my ($name, $vmid) = $volname =~ m!^backup/((?:qemu|lxc)-(\d+)-\d+)\z!
        or die "unable to parse chain backup volume name '$volname'\n";
    return ('backup', $name, $vmid, undef, undef, undef, 'chain');
}

sub archive_dir {
    my ($class, $scfg, $volname) = @_;

    my (undef, $name, $vmid) = $class->parse_volname($volname);
    return "$scfg->{path}/$vmid/$name";
}

sub filesystem_path {
    my ($class, $scfg, $volname, $snapname) = @_;

    my ($vtype, $name, $vmid) = $class->parse_volname($volname);
    my $path = "$scfg->{path}/$vmid/$name";
    return wantarray ? ($path, $vmid, $vtype) : $path;
}

sub path {
    my ($class, $scfg, $volname, $storeid, $snapname) = @_;

    return $class->filesystem_path($scfg, $volname, $snapname);
}

# The complete archives, oldest first.
sub archives {
    my ($class, $scfg, $vmid) = @_;

    my @found;
    for my $marker (glob("$scfg->{path}/" . ($vmid // '*') . '/*/complete')) {
        my ($dir, $type, $owner, $time) = $marker =~ m!^(.+/$NAME_RE)/complete\z! or next;
        next if !-s $marker;
        push @found,
            {
            dir => $dir,
            name => "$type-$owner-$time",
            type => $type,
            vmid => $owner,
            time => $time
            };
    }
    @found = sort { $a->{time} <=> $b->{time} } @found;
    return @found;
}

my $size_of = sub {
    my ($dir) = @_;

    my $size = 0;
    $size += -s $_ // 0 for grep { -f $_ } glob("$dir/*");
    return $size || 1;
};

sub list_volumes {
    my ($class, $storeid, $scfg, $vmid, $content_types) = @_;

    return [] if !grep { $_ eq 'backup' } @$content_types;
    my @list;
    for my $archive ($class->archives($scfg, $vmid)) {
        my $entry = {
            volid => "$storeid:backup/$archive->{name}",
            format => 'chain',
            size => $size_of->($archive->{dir}),
            content => 'backup',
            vmid => $archive->{vmid},
            ctime => $archive->{time},
            subtype => $archive->{type},
        };
        if (-e "$archive->{dir}/notes") {
            ($entry->{notes}) = split(/\n/, file_get_contents("$archive->{dir}/notes"));
        }
        $entry->{protected} = 1 if -e "$archive->{dir}/protected";
        push @list, $entry;
    }
    return \@list;
}

sub volume_size_info {
    my ($class, $scfg, $storeid, $volname, $timeout) = @_;

    my $dir = $class->archive_dir($scfg, $volname);
    die "no such backup '$storeid:$volname'\n" if !-s "$dir/complete";
    my $size = $size_of->($dir);
    return wantarray ? ($size, 'chain', $size, undef) : $size;
}

sub get_volume_attribute {
    my ($class, $scfg, $storeid, $volname, $attribute) = @_;

    my $dir = $class->archive_dir($scfg, $volname);
    die "no such backup '$storeid:$volname'\n" if !-s "$dir/complete";
    if ($attribute eq 'notes') {
        return '' if !-e "$dir/notes";
        my $notes = file_get_contents("$dir/notes");
        utf8::decode($notes);
        return $notes;
    }
    return -e "$dir/protected" ? 1 : 0 if $attribute eq 'protected';
    return;
}

sub update_volume_attribute {
    my ($class, $scfg, $storeid, $volname, $attribute, $value) = @_;

    my $dir = $class->archive_dir($scfg, $volname);
    die "no such backup '$storeid:$volname'\n" if !-s "$dir/complete";
    die "attribute '$attribute' is not supported for storage type '" . $class->type . "'\n"
        if $attribute ne 'notes' && $attribute ne 'protected';
    if (!$value) {
        unlink("$dir/$attribute") or !-e "$dir/$attribute" or die "$dir/$attribute: $!\n";
        return;
    }
    utf8::encode($value) if utf8::is_utf8($value);
    file_set_contents("$dir/$attribute", $value);
    return;
}

# Disks that lie on those of this archive are made to lie on those below.
sub free_image {
    my ($class, $storeid, $scfg, $volname, $isBase, $format) = @_;

    my $dir = $class->archive_dir($scfg, $volname);
    die "cannot remove protected volume '$volname' on '$storeid'\n" if -e "$dir/protected";
    my ($name) = $dir =~ m!([^/]+)\z!;
    for my $disk (glob("$dir/../*/*.qcow2")) {
        my $backing = $class->backing($disk) // next;
        my ($device) = $backing =~ m!^\.\./\Q$name\E/([^/]+)\z! or next;
        my $below = $class->backing("$dir/$device") // '';
        run_command(
            ['qemu-img', 'rebase', '-f', 'qcow2', ('-F', 'qcow2') x !!$below, '-b', $below, $disk],
            outfunc => sub { },
        );
    }
    remove_tree($dir);
    return;
}

sub backing {
    my ($class, $disk) = @_;

    my $backing;
    run_command(['qemu-img', 'info', '-f', 'qcow2', $disk],
        outfunc => sub { $backing = $1 if $_[0] =~ m/^backing file: (\S+)/ },);
    return $backing;
}

sub prune_backups {
    my ($class, $scfg, $storeid, $keep, $vmid, $type, $dryrun, $logfunc) = @_;

    $logfunc //= sub { print "$_[1]\n" };
    my (@list, %groups);
    for my $volume ($class->list_volumes($storeid, $scfg, $vmid, ['backup'])->@*) {
        next if defined($type) && $volume->{subtype} ne $type;
        my $entry = {
            volid => $volume->{volid},
            ctime => $volume->{ctime},
            type => $volume->{subtype},
            vmid => $volume->{vmid},
        };
        $entry->{mark} = 'protected' if $volume->{protected};
        push @list, $entry;
        push @{ $groups{"$entry->{type}/$entry->{vmid}"} }, $entry;
    }
    PVE::Storage::prune_mark_backup_group($_, $keep) for values %groups;
    return \@list if $dryrun;
    my $failed;
    for my $entry (grep { $_->{mark} eq 'remove' } @list) {
        my ($volname) = $entry->{volid} =~ m/^[^:]+:(.+)\z/;
        $logfunc->('info', "removing backup '$entry->{volid}'");
        eval { $class->free_image($storeid, $scfg, $volname, 0, 'chain'); 1 } and next;
        $logfunc->('err', "error when removing backup '$entry->{volid}' - $@");
        $failed = 1;
    }
    die "error pruning backups - check log\n" if $failed;
    return \@list;
}

# ---- the storage

sub activate_storage {
    my ($class, $storeid, $scfg, $cache) = @_;

    -d $scfg->{path} or die "storage '$storeid' has no directory '$scfg->{path}'\n";
    return;
}

sub deactivate_storage {
    return 1;
}

sub status {
    my ($class, $storeid, $scfg, $cache) = @_;

    my $df = PVE::Tools::df($scfg->{path}, 2);
    return ($df->{total}, $df->{avail}, $df->{used}, 1) if $df && $df->{total};
    return (0, 0, 0, 0);
}

package PVE::BackupProvider::Plugin::Chain; ## no critic (ProhibitMultiplePackages)

use strict;
use warnings;

use Fcntl qw(O_RDONLY O_RDWR O_WRONLY O_CREAT O_TRUNC);
use File::Path qw(make_path remove_tree);
use IO::File;
use JSON::PP ();
use POSIX qw(WNOHANG);
use Time::HiRes qw(usleep);

use PVE::Storage::Common;
use PVE::Tools qw(run_command file_get_contents file_set_contents);

use base qw(PVE::BackupProvider::Plugin::Base);

my $BLOCK = 4 * 1024 * 1024;

sub new {
    my ($class, $storage_plugin, $scfg, $storeid, $log_function) = @_;

    return bless {
        plugin => $storage_plugin,
        scfg => $scfg,
        storeid => $storeid,
        log => $log_function,
    }, $class;
}

sub provider_name {
    return 'Chain';
}

sub job_init {
    my ($self, $start_time) = @_;

    die "the path '$self->{scfg}->{path}' is not there\n" if !-d $self->{scfg}->{path};
    $self->{'job-start'} = $start_time;
    return;
}

sub job_cleanup {
    my ($self) = @_;

    $self->_stop_daemons();
    delete $self->{'job-start'};
    return;
}

# ---- backup

sub backup_init {
    my ($self, $vmid, $vmtype, $start_time) = @_;

    my $name = "$vmtype-$vmid-$start_time";
    my $dir = "$self->{scfg}->{path}/$vmid/$name";
    die "there is a backup '$name' already\n" if -e $dir;
    make_path($dir);
    $self->{current} = { dir => $dir, name => $name };
    return { 'archive-name' => $name };
}

sub backup_cleanup {
    my ($self, $vmid, $vmtype, $success, $info) = @_;

    $self->_stop_daemons();
    my $current = $self->{current};
    if ($success) {
        die "no backup was begun\n" if !$current;
        die "the backup '$current->{name}' is not complete\n" if !-s "$current->{dir}/complete";
        my $size = 0;
        $size += -s $_ // 0 for glob("$current->{dir}/*");
        return { stats => { 'archive-size' => $size } };
    }

    # A committed archive stays: it may already be the base of the host's bitmaps.
    for my $dir (glob("$self->{scfg}->{path}/$vmid/*")) {
        remove_tree($dir) if -d $dir && !-s "$dir/complete";
    }
    delete $self->{current};
    return;
}

sub backup_get_mechanism {
    my ($self, $vmid, $vmtype) = @_;

    return 'directory' if $vmtype eq 'lxc';
    return $self->{scfg}->{'chainbackup-mechanism'} // 'nbd' if $vmtype eq 'qemu';
    die "unsupported guest type '$vmtype'\n";
}

sub backup_handle_log_file {
    my ($self, $vmid, $filename) = @_;

    my $current = $self->{current} or return;
    eval { file_set_contents("$current->{dir}/task.log", file_get_contents($filename)) };
    $self->{log}->('warn', "the log is not kept - $@") if $@;
    return;
}

# The disk below an incremental one, if there is any of this size.
sub _base {
    my ($self, $vmid, $device, $size) = @_;

    my @archives = $self->{plugin}->archives($self->{scfg}, $vmid);
    my $base = $archives[-1] or return;
    my $disk = "$base->{dir}/$device.qcow2";
    return if !-e $disk || _virtual_size($disk) != $size;
    return "../$base->{name}/$device.qcow2";
}

sub _virtual_size {
    my ($disk) = @_;

    my $json = '';
    run_command(['qemu-img', 'info', '-f', 'qcow2', '--output', 'json', $disk],
        outfunc => sub { $json .= $_[0] },);
    return JSON::PP::decode_json($json)->{'virtual-size'};
}

sub backup_vm_query_incremental {
    my ($self, $vmid, $volumes) = @_;

    return {
        map { $_ => $self->_base($vmid, $_, $volumes->{$_}->{size}) ? 'use' : 'new' }
            keys %$volumes
    };
}

sub _write_configs {
    my ($self, $guest_config, $info) = @_;

    my $dir = $self->{current}->{dir};
    file_set_contents("$dir/guest.conf", $guest_config);
    file_set_contents("$dir/firewall.conf", $info->{'firewall-config'})
        if defined($info->{'firewall-config'});
    return;
}

sub backup_vm {
    my ($self, $vmid, $guest_config, $volumes, $info) = @_;

    my $dir = $self->{current}->{dir};
    $self->_write_configs($guest_config, $info);
    for my $device (sort keys %$volumes) {
        my $volume = $volumes->{$device};
        my $disk = "$dir/$device.qcow2";
        my @below;
        if ($volume->{'bitmap-mode'} eq 'reuse') {
            my $base = $self->_base($vmid, $device, $volume->{size})
                // die "the base of '$device' has gone\n";
            @below = ('-F', 'qcow2', '-b', $base);
        }
        run_command(['qemu-img', 'create', '-q', '-f', 'qcow2', @below, $disk, $volume->{size}]);
        $self->{log}->('info', "$device: bitmap $volume->{'bitmap-mode'}");
        if ($volume->{'nbd-path'}) {
            $self->_backup_nbd($device, $volume, $disk);
        } else {
            $self->_backup_file_handle($device, $volume, $disk);
        }
    }
    $self->_commit();
    return;
}

# One process reads the export and writes the disk, and shows both as files.
sub _backup_nbd {
    my ($self, $device, $volume, $disk) = @_;

    my $next = $self->_regions_of_nbd($device, $volume);
    my $daemon = $self->_start_daemon(
        target => $disk,
        [
            'driver=nbd,node-name=source', "server.type=unix,server.path=$volume->{'nbd-path'}",
            "export=$device", 'discard=unmap'
        ],
    );
    sysopen(my $in, $daemon->{source}, O_RDWR) or die "$daemon->{source}: $!\n";
    $self->_copy($in, $next, $daemon->{target}, 1);
    close($in) or die "$device: $!\n";
    $self->_stop_daemon($daemon);
    return;
}

sub _backup_file_handle {
    my ($self, $device, $volume, $disk) = @_;

    my $daemon = $self->_start_daemon(target => $disk);
    $self->_copy($volume->{'file-handle'}, $volume->{'next-dirty-region'}, $daemon->{target}, 1);
    $self->_stop_daemon($daemon);
    return;
}

sub _regions_of_nbd {
    my ($self, $device, $volume) = @_;

    my @regions;
    if ($volume->{'bitmap-mode'} eq 'reuse') {
        my $json = '';
        run_command([
                'nbdinfo',
                '--json',
                "--map=qemu:dirty-bitmap:$volume->{'bitmap-name'}",
                "nbd+unix:///$device?socket=$volume->{'nbd-path'}"
            ],
            outfunc => sub { $json .= $_[0] },
        );
        @regions = map { [$_->{offset}, $_->{length}] }
            grep { $_->{type} } @{ JSON::PP::decode_json($json) };
    } else {
        @regions = ([0, $volume->{size}]);
    }
    return sub { my $region = shift(@regions) or return; return @$region };
}

sub _copy {
    my ($self, $in, $next, $target, $discard) = @_;

    sysopen(my $out, $target, O_RDWR) or die "$target: $!\n";
    my @whole;
    while (my ($offset, $length) = $next->()) {
        while ($length > 0) {
            my $size = $BLOCK - $offset % $BLOCK;
            $size = $length if $size > $length;
            my $data = _read_at($in, $offset, $size);
            _write_at($out, $offset, $data);
            push @whole, $offset if $size == $BLOCK;
            $offset += $size;
            $length -= $size;
        }
    }
    $out->sync or die "$target: $!\n";
    close($out) or die "$target: $!\n";
    return if !$discard;

    # The host's copy for the point in time can be freed, now that the data is here.
    for my $offset (@whole) {
        eval { PVE::Storage::Common::deallocate($in, $offset, $BLOCK); 1 } or last;
    }
    return;
}

sub _read_at {
    my ($in, $offset, $length) = @_;

    sysseek($in, $offset, 0) or die "seeking: $!\n";
    my $data = '';
    while (length($data) < $length) {
        my $read = sysread($in, $data, $length - length($data), length($data));
        die "reading at $offset: $!\n" if !defined($read);
        die "the disk ends at " . ($offset + length($data)) . "\n" if !$read;
    }
    return $data;
}

sub _write_at {
    my ($out, $offset, $data) = @_;

    sysseek($out, $offset, 0) or die "seeking: $!\n";
    my $done = 0;
    while ($done < length($data)) {
        $done += syswrite($out, $data, length($data) - $done, $done) // die "writing: $!\n";
    }
    return;
}

# ---- processes that show disks as files

sub _run_dir {
    my ($self) = @_;

    return "$self->{scfg}->{path}/.run";
}

sub _start_daemon {
    my ($self, $node, $disk, $source) = @_;

    my $dir = $self->_run_dir() . "/$$-" . ++$self->{daemons};
    my $daemon = { dir => $dir, $node => "$dir/$node" };

    # First: a call that is interrupted anywhere below must find what it made.
    $self->{running}->{$dir} = $daemon;
    make_path($dir);
    my $readonly = $node eq 'restore' ? 'on' : 'off';
    my $writable = $node eq 'restore' ? 'off' : 'on';
    my @command = (
        'qemu-storage-daemon',
        '--pidfile',
        "$dir/pid",
        '--blockdev',
"driver=qcow2,node-name=$node,read-only=$readonly,discard=unmap,file.driver=file,file.filename=$disk,file.read-only=$readonly",
        '--export',
"type=fuse,id=$node,node-name=$node,mountpoint=$dir/$node,writable=$writable,allow-other=off",
    );
    my @files = ($node);

    if ($source) {
        push @files, 'source';
        $daemon->{source} = "$dir/source";
        push @command, '--blockdev', join(',', @$source), '--export',
"type=fuse,id=source,node-name=source,mountpoint=$dir/source,writable=on,allow-other=off";
    }
    for my $file (@files) {
        open(my $fh, '>', "$dir/$file") or die "$dir/$file: $!\n";
        close($fh);
    }
    my $pid = $daemon->{pid} = fork();
    die "fork: $!\n" if !defined($pid);
    if (!$pid) {
        POSIX::setsid();
        open(STDIN, '<', '/dev/null');
        open(STDOUT, '>', "$dir/output");
        open(STDERR, '>&', \*STDOUT);
        exec(@command) or POSIX::_exit(127);
    }
    for (1 .. 1500) {
        return $daemon if -e "$dir/pid";
        if (waitpid($pid, WNOHANG) == $pid) {
            my $said = file_get_contents("$dir/output");
            $self->_stop_daemon($daemon);
            die "'$disk' cannot be opened: $said\n";
        }
        usleep(20_000);
    }
    die "'$disk' was not opened in time\n";
}

sub _stop_daemon {
    my ($self, $daemon) = @_;

    _end_process($daemon->{pid}) if $daemon->{pid};
    _unmount_below($daemon->{dir});
    remove_tree($daemon->{dir});

    # Last: a call that is interrupted in the middle of this must find it again.
    delete $self->{running}->{ $daemon->{dir} };
    return;
}

sub _end_process {
    my ($pid) = @_;

    kill('TERM', $pid) or return;
    for (1 .. 500) {
        return if waitpid($pid, WNOHANG) != 0 && !_is_running($pid);
        usleep(20_000);
    }
    kill('KILL', $pid);
    waitpid($pid, 0);
    return;
}

# Nobody may have asked yet how it ended: it is a zombie then, which takes signals.
sub _is_running {
    my ($pid) = @_;

    my $stat = eval { file_get_contents("/proc/$pid/stat") } // return 0;
    return $stat !~ m/\) [ZX] /;
}

# By their command lines: the file with its number is written when a process has begun to show its disk.
sub _processes_of {
    my ($dir) = @_;

    my @found;
    for my $file (glob('/proc/[0-9]*/cmdline')) {
        my $command = eval { file_get_contents($file) } // next;
        push @found, $file =~ m!(\d+)! if index($command, "$dir/pid") >= 0;
    }
    return @found;
}

# A file whose process has gone is found only in the list of mounts.
sub _unmount_below {
    my ($dir) = @_;

    for my $mount (split(/\n/, file_get_contents('/proc/self/mounts'))) {
        my (undef, $point) = split(/ /, $mount);
        run_command(['umount', '--lazy', $point], noerr => 1) if index($point, "$dir/") == 0;
    }
    return;
}

# Those of this process, and of others that are gone.
sub _stop_daemons {
    my ($self) = @_;

    $self->_stop_daemon($_) for values %{ $self->{running} // {} };
    for my $dir (glob($self->_run_dir() . '/*')) {
        my ($owner) = $dir =~ m!/(\d+)-\d+\z! or next;
        next if _is_running($owner);
        _end_process($_) for _processes_of($dir);
        _unmount_below($dir);
        remove_tree($dir);
    }
    return;
}

sub _commit {
    my ($self) = @_;

    my $dir = $self->{current}->{dir};
    run_command(['sync', '--file-system', $dir]);
    file_set_contents("$dir/complete", "complete\n");
    run_command(['sync', '--file-system', $dir]);
    return;
}

# ---- containers

# The child that reads the container is not root here: what it writes is opened before.
sub backup_container_prepare {
    my ($self, $vmid, $info) = @_;

    my $dir = $self->{current}->{dir};
    for my $file (qw(guest.conf firewall.conf tree.tar complete)) {
        sysopen(my $fh, "$dir/$file", O_WRONLY | O_CREAT | O_TRUNC, 0600)
            or die "$dir/$file: $!\n";
        $self->{current}->{files}->{$file} = $fh;
    }
    return;
}

sub backup_container {
    my ($self, $vmid, $guest_config, $exclude_patterns, $info) = @_;

    my $files = $self->{current}->{files};
    _write_at($files->{'guest.conf'}, 0, $guest_config);
    _write_at($files->{'firewall.conf'}, 0, $info->{'firewall-config'})
        if defined($info->{'firewall-config'});
    my @exclude = map { m!^/! ? "--exclude=.$_" : ('--no-anchored', "--exclude=$_", '--anchored') }
        @$exclude_patterns;
    run_command([
            'tar', '--create',
            "--directory=$info->{directory}", '--numeric-owner',
            '--xattrs', '--xattrs-include=*',
            '--sparse', '--one-file-system',
            '--wildcards', '--anchored',
            @exclude, @{ $info->{sources} }
        ],
        output => '>&' . fileno($files->{'tree.tar'}),
        errfunc => sub { $self->{log}->('info', "tar: $_[0]") },
    );
    for my $file (qw(guest.conf firewall.conf tree.tar)) {
        $files->{$file}->sync or die "$file: $!\n";
    }
    _write_at($files->{complete}, 0, "complete\n");
    $files->{complete}->sync or die "complete: $!\n";
    return;
}

# ---- restore

sub _archive {
    my ($self, $volname) = @_;

    my $dir = $self->{plugin}->archive_dir($self->{scfg}, $volname);
    die "no such backup '$self->{storeid}:$volname'\n" if !-s "$dir/complete";
    return $dir;
}

sub restore_get_mechanism {
    my ($self, $volname) = @_;

    my ($type) = $volname =~ m!^backup/(qemu|lxc)-! or die "'$volname' is no backup\n";
    return $type eq 'qemu' ? ('qemu-img', 'qemu') : ('tar', 'lxc');
}

sub archive_get_guest_config {
    my ($self, $volname) = @_;

    return file_get_contents($self->_archive($volname) . '/guest.conf');
}

sub archive_get_firewall_config {
    my ($self, $volname) = @_;

    my $file = $self->_archive($volname) . '/firewall.conf';
    return -e $file ? file_get_contents($file) : undef;
}

sub restore_vm_init {
    my ($self, $volname) = @_;

    my %devices;
    for my $disk (glob($self->_archive($volname) . '/*.qcow2')) {
        my ($device) = $disk =~ m!([^/]+)\.qcow2\z!;
        run_command(['qemu-img', 'check', '-q', '-f', 'qcow2', $disk]);
        $devices{$device} = { size => _virtual_size($disk) };
    }
    return \%devices;
}

sub restore_vm_cleanup {
    my ($self, $volname) = @_;

    $self->_stop_daemons();
    delete $self->{restoring};
    return;
}

sub restore_vm_volume_init {
    my ($self, $volname, $device, $info) = @_;

    my $disk = $self->_archive($volname) . "/$device.qcow2";
    die "the backup '$volname' has no disk '$device'\n" if !-e $disk;
    my $daemon = $self->_start_daemon(restore => $disk);
    $self->{restoring}->{$device} = $daemon;
    return { 'qemu-img-path' => $daemon->{restore} };
}

sub restore_vm_volume_cleanup {
    my ($self, $volname, $device, $info) = @_;

    my $daemon = delete $self->{restoring}->{$device} or return;
    $self->_stop_daemon($daemon);
    return;
}

sub restore_container_init {
    my ($self, $volname, $info) = @_;

    return { 'tar-path' => $self->_archive($volname) . '/tree.tar' };
}

sub restore_container_cleanup {
    return;
}

1;
