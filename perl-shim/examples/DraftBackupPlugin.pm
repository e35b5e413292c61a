package PVE::Storage::Custom::DraftBackupPlugin; ## no critic (RequireFilenameMatchesPackage)

# A storage that keeps backups of guests as chains of qcow2 files, in a directory, written for the draft of PVE's API (version
# 5, March 2025). Disks are read and written with libnbd's tools. Containers are kept as directories.
#
#   PATH/TYPE-VMID-TIME/    an archive, with guest.conf, firewall.conf, DEVICE.qcow2 or tree/, and complete
#
# The file is long because a plugin is one file: the storage and its backup provider.

use strict;
use warnings;

use File::Path qw(remove_tree);

use PVE::Storage;
use PVE::Tools qw(run_command file_get_contents file_set_contents);

use base qw(PVE::Storage::Plugin);

sub api {
    my $host = eval { PVE::Storage::APIVER() } // 11;
    return $host < 11 ? 11 : $host > 16 ? 16 : $host;
}

sub type {
    return 'draftbackup';
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
        'draftbackup-mechanism' => {
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
        'draftbackup-mechanism' => { optional => 1 },
    };
}

# The base class would make one.
sub alloc_image {
    my ($class, $storeid) = @_;

    die "storage '$storeid' keeps backups, and no images\n";
}

sub new_backup_provider {
    my ($class, $scfg, $storeid, $log_function) = @_;

    return PVE::BackupProvider::Plugin::DraftChain->new($class, $scfg, $storeid, $log_function);
}

sub parse_volname {
    my ($class, $volname) = @_;

    my ($name, $vmid) = $volname =~ m!^backup/((?:qemu|lxc)-(\d+)-\d+)\z!
        or die "unable to parse draft backup volume name '$volname'\n";
    return ('backup', $name, $vmid, undef, undef, undef, 'chain');
}

sub filesystem_path {
    my ($class, $scfg, $volname, $snapname) = @_;

    my ($vtype, $name, $vmid) = $class->parse_volname($volname);
    my $path = "$scfg->{path}/$name";
    return wantarray ? ($path, $vmid, $vtype) : $path;
}

sub path {
    my ($class, $scfg, $volname, $storeid, $snapname) = @_;

    return $class->filesystem_path($scfg, $volname, $snapname);
}

sub list_volumes {
    my ($class, $storeid, $scfg, $vmid, $content_types) = @_;

    return [] if !grep { $_ eq 'backup' } @$content_types;
    my @list;
    for my $marker (sort glob("$scfg->{path}/*/complete")) {
        my ($name, $type, $owner, $time) = $marker =~ m!/((qemu|lxc)-(\d+)-(\d+))/complete\z!
            or next;
        next if !-s $marker || (defined($vmid) && $owner != $vmid);
        my $notes = "$scfg->{path}/$name/notes";
        push @list,
            {
            volid => "$storeid:backup/$name",
            format => 'chain',
            size => 1,
            content => 'backup',
            vmid => $owner,
            ctime => $time,
            subtype => $type,
            (-e $notes ? (notes => (split(/\n/, file_get_contents($notes)))[0]) : ()),
            (-e "$scfg->{path}/$name/protected" ? (protected => 1) : ()),
            };
    }
    return \@list;
}

sub volume_size_info {
    my ($class, $scfg, $storeid, $volname, $timeout) = @_;

    my $dir = $class->filesystem_path($scfg, $volname);
    die "no such backup '$storeid:$volname'\n" if !-s "$dir/complete";
    return wantarray ? (1, 'chain', 1, undef) : 1;
}

sub get_volume_attribute {
    my ($class, $scfg, $storeid, $volname, $attribute) = @_;

    my $dir = $class->filesystem_path($scfg, $volname);
    die "no such backup '$storeid:$volname'\n" if !-s "$dir/complete";
    if ($attribute eq 'notes') {
        my $notes = -e "$dir/notes" ? file_get_contents("$dir/notes") : '';
        utf8::decode($notes);
        return $notes;
    }
    return $attribute eq 'protected' ? (-e "$dir/protected" ? 1 : 0) : undef;
}

sub update_volume_attribute {
    my ($class, $scfg, $storeid, $volname, $attribute, $value) = @_;

    my $dir = $class->filesystem_path($scfg, $volname);
    die "no such backup '$storeid:$volname'\n" if !-s "$dir/complete";
    if (!$value) {
        unlink("$dir/$attribute");
        return;
    }
    utf8::encode($value) if utf8::is_utf8($value);
    file_set_contents("$dir/$attribute", $value);
    return;
}

# An archive that a later one needs stays.
sub free_image {
    my ($class, $storeid, $scfg, $volname, $isBase, $format) = @_;

    my $dir = $class->filesystem_path($scfg, $volname);
    my ($name) = $dir =~ m!([^/]+)\z!;
    die "cannot remove protected volume '$volname' on '$storeid'\n" if -e "$dir/protected";
    for my $base (glob("$scfg->{path}/*/base")) {
        die "cannot remove '$volname', which a later backup needs\n"
            if file_get_contents($base) eq $name;
    }
    remove_tree($dir);
    return;
}

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

package PVE::BackupProvider::Plugin::DraftChain; ## no critic (ProhibitMultiplePackages)

use strict;
use warnings;

use Fcntl qw(O_RDWR);
use File::Path qw(make_path remove_tree);
use IO::File;
use JSON::PP ();
use POSIX qw(WNOHANG);
use Time::HiRes qw(usleep);

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
    return 'Draft chain';
}

sub job_hook {
    my ($self, $phase, $info) = @_;

    if ($phase eq 'start') {
        die "the path '$self->{scfg}->{path}' is not there\n" if !-d $self->{scfg}->{path};
    } elsif ($phase eq 'end' || $phase eq 'abort') {
        $self->_unmount_all();
    }
    return;
}

sub _dir {
    my ($self, $name) = @_;

    return "$self->{scfg}->{path}/$name";
}

sub backup_get_archive_name {
    my ($self, $vmid, $vmtype, $backup_time) = @_;

    return $self->{$vmid}->{name} = "$vmtype-$vmid-$backup_time";
}

sub backup_hook {
    my ($self, $phase, $vmid, $vmtype, $info) = @_;

    if ($phase eq 'start') {
        my $dir = $self->_dir($self->{$vmid}->{name});
        mkdir($dir) or die "$dir: $!\n";
    } elsif ($phase eq 'prepare') {

        # The child that reads the container is its root, and writes here.
        my $dir = $self->_dir($self->{$vmid}->{name});
        chmod(0711, $dir) or die "$dir: $!\n";
        mkdir("$dir/tree") or die "$dir/tree: $!\n";
        for my $file (qw(tree/data.tar guest.conf firewall.conf complete)) {
            open(my $fh, '>', "$dir/$file") or die "$dir/$file: $!\n";
            $self->{$vmid}->{files}->{$file} = $fh;
        }
    } elsif ($phase eq 'end') {
        my $dir = $self->_dir($self->{$vmid}->{name});
        die "the backup '$self->{$vmid}->{name}' is not complete\n" if !-s "$dir/complete";
        delete $self->{$vmid};
    } elsif ($phase eq 'abort') {
        $self->_unmount_all();
        for my $dir (glob($self->_dir("*-$vmid-*"))) {
            remove_tree($dir) if !-s "$dir/complete";
        }
        delete $self->{$vmid};
    }
    return;
}

# The id of a bitmap is the name of the archive that it began with.
sub backup_get_mechanism {
    my ($self, $vmid, $vmtype) = @_;

    return ('directory', undef) if $vmtype eq 'lxc';
    my $mechanism = $self->{scfg}->{'draftbackup-mechanism'} // 'nbd';
    my $last = $self->_last($vmid);
    my $bitmap = $last ? file_get_contents($self->_dir($last) . '/bitmap') : undef;
    return ($mechanism, $self->{$vmid}->{bitmap} = $bitmap // "draft-$self->{$vmid}->{name}");
}

sub _last {
    my ($self, $vmid) = @_;

    my ($last) = sort { ($b =~ m/-(\d+)\z/)[0] <=> ($a =~ m/-(\d+)\z/)[0] }
        map { m!([^/]+)/complete\z! } grep { -s } glob($self->_dir("qemu-$vmid-*/complete"));
    return $last;
}

sub backup_get_task_size {
    my ($self, $vmid) = @_;

    my $size = 0;
    $size += -s $_ // 0 for glob($self->_dir($self->{$vmid}->{name}) . '/*');
    return $size;
}

sub backup_handle_log_file {
    my ($self, $vmid, $filename) = @_;

    return;
}

# ---- VMs

sub backup_vm {
    my ($self, $vmid, $guest_config, $volumes, $info) = @_;

    my $name = $self->{$vmid}->{name};
    my $dir = $self->_dir($name);
    file_set_contents("$dir/guest.conf", $guest_config);
    file_set_contents("$dir/firewall.conf", $info->{'firewall-config'})
        if defined($info->{'firewall-config'});
    my $last = $self->_last($vmid);
    for my $device (sort keys %$volumes) {
        my $volume = $volumes->{$device};
        $self->{log}->('info', "$device: bitmap $volume->{'bitmap-mode'}");
        my @below;
        if ($volume->{'bitmap-mode'} eq 'reuse') {
            die "the base of '$device' has gone\n" if !defined($last);
            @below = ('-F', 'qcow2', '-b', "../$last/$device.qcow2");
            file_set_contents("$dir/base", $last);
        }
        my $disk = "$dir/$device.qcow2";
        run_command(['qemu-img', 'create', '-q', '-f', 'qcow2', @below, $disk, $volume->{size}]);
        my $in = $volume->{'file-handle'};
        my $next = $volume->{'next-dirty-region'};
        if (!$in) {
            my $uri = "nbd+unix:///$device?socket=$volume->{'nbd-path'}";
            my $file = $self->_mount($uri, $volume->{size});
            sysopen($in, $file, O_RDWR | Fcntl::O_DIRECT()) or die "$file: $!\n";
            $next = _dirty($volume, $uri);
        }
        $self->_copy($in, $next, $self->_mount_qcow2($disk, $volume->{size}));
        close($in) if !$volume->{'file-handle'};
        $self->_unmount_all();
    }
    file_set_contents("$dir/bitmap", $self->{$vmid}->{bitmap});
    run_command(['sync', '--file-system', $dir]);
    file_set_contents("$dir/complete", "complete\n");
    return;
}

sub _dirty {
    my ($volume, $uri) = @_;

    my @regions = ([0, $volume->{size}]);
    if ($volume->{'bitmap-mode'} eq 'reuse') {
        my $json = '';
        my $context = "qemu:dirty-bitmap:$volume->{'bitmap-name'}";
        run_command(['nbdinfo', '--json', "--map=$context", $uri],
            outfunc => sub { $json .= $_[0] },);
        @regions = map { [$_->{offset}, $_->{length}] }
            grep { $_->{type} } @{ JSON::PP::decode_json($json) };
    }
    return sub { my $region = shift(@regions) or return; return @$region };
}

sub _copy {
    my ($self, $in, $next, $target) = @_;

    sysopen(my $out, $target, O_RDWR) or die "$target: $!\n";
    while (my ($offset, $length) = $next->()) {
        while ($length > 0) {
            my $size = $length > $BLOCK ? $BLOCK : $length;
            sysseek($in, $offset, 0) or die "seeking: $!\n";
            my $read = sysread($in, my $data, $size) // die "reading at $offset: $!\n";
            die "the disk ends at $offset\n" if $read != $size;
            sysseek($out, $offset, 0) or die "seeking: $!\n";
            my $written = syswrite($out, $data) // die "writing at $offset: $!\n";
            die "only $written bytes were written at $offset\n" if $written != $size;
            $offset += $size;
            $length -= $size;
        }
    }
    $out->sync or die "$target: $!\n";
    close($out) or die "$target: $!\n";
    return;
}

# ---- disks as files: nbdfuse, in front of qemu-nbd for those of the archive

sub _run_dir {
    my ($self) = @_;

    return $self->_dir(".run/$$-" . ++$self->{mounts});
}

sub _start {
    my ($self, $dir, $pidfile, @command) = @_;

    # First: a call that is interrupted anywhere below must find what it made.
    my $started = { dir => $dir };
    push @{ $self->{running} }, $started;
    make_path("$dir/mnt");
    my $pid = $started->{pid} = fork();
    die "fork: $!\n" if !defined($pid);
    if (!$pid) {
        POSIX::setsid();
        open(STDIN, '<', '/dev/null');
        open(STDOUT, '>>', "$dir/output");
        open(STDERR, '>&', \*STDOUT);
        exec(@command) or POSIX::_exit(127);
    }
    for (1 .. 1500) {
        return if -s $pidfile;
        die "$command[0]: " . file_get_contents("$dir/output") . "\n"
            if waitpid($pid, WNOHANG) == $pid;
        usleep(20_000);
    }
    die "$command[0] did not start in time\n";
}

sub _mount {
    my ($self, $uri, $size) = @_;

    my $dir = $self->_run_dir();
    $self->_start($dir, "$dir/pid", 'nbdfuse', '--pidfile', "$dir/pid", "$dir/mnt/disk", $uri);
    return "$dir/mnt/disk";
}

sub _mount_qcow2 {
    my ($self, $disk, $size, @options) = @_;

    my $dir = $self->_run_dir();
    $self->_start($dir, "$dir/qemu-nbd.pid", 'qemu-nbd', '--persistent', '--shared=0',
        '--format=qcow2', @options, "--pid-file=$dir/qemu-nbd.pid",
        "--socket=$dir/socket", $disk);
    return $self->_mount("nbd+unix:///?socket=$dir/socket", $size);
}

sub _end_process {
    my ($pid) = @_;

    kill('TERM', $pid);
    for (1 .. 250) {
        return if waitpid($pid, WNOHANG) || !kill(0, $pid);
        usleep(20_000);
    }
    kill('KILL', $pid) and waitpid($pid, 0);
    return;
}

sub _unmount_all {
    my ($self) = @_;

    my $running = $self->{running} // [];
    while (@$running) {
        my ($pid, $dir) = @{ $running->[-1] }{qw(pid dir)};
        run_command(['umount', '--lazy', "$dir/mnt"], noerr => 1, errfunc => sub { })
            if file_get_contents('/proc/self/mounts') =~ m/ \Q$dir\E/;
        _end_process($pid) if $pid;
        remove_tree($dir);

        # Last: a call that is interrupted in the middle of this must find it again.
        pop @$running;
    }
    return;
}

# ---- containers

sub backup_container {
    my ($self, $vmid, $guest_config, $exclude_patterns, $info) = @_;

    my $files = $self->{$vmid}->{files};
    syswrite($files->{'guest.conf'}, $guest_config) // die "guest.conf: $!\n";
    syswrite($files->{'firewall.conf'}, $info->{'firewall-config'})
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
        output => '>&' . fileno($files->{'tree/data.tar'}),
    );
    $files->{'tree/data.tar'}->sync or die "data.tar: $!\n";
    syswrite($files->{complete}, "complete\n") // die "complete: $!\n";
    return;
}

# ---- restore

sub _archive {
    my ($self, $volname) = @_;

    my $dir = $self->{plugin}->filesystem_path($self->{scfg}, $volname);
    die "no such backup '$self->{storeid}:$volname'\n" if !-s "$dir/complete";
    return $dir;
}

sub restore_get_mechanism {
    my ($self, $volname, $storeid) = @_;

    die "this provider is of storage '$self->{storeid}', and not of '$storeid'\n"
        if $storeid ne $self->{storeid};
    my ($type) = $volname =~ m!^backup/(qemu|lxc)-! or die "'$volname' is no backup\n";
    return $type eq 'qemu' ? ('qemu-img', 'qemu') : ('directory', 'lxc');
}

sub restore_get_guest_config {
    my ($self, $volname, $storeid) = @_;

    return file_get_contents($self->_archive($volname) . '/guest.conf');
}

sub restore_get_firewall_config {
    my ($self, $volname, $storeid) = @_;

    my $file = $self->_archive($volname) . '/firewall.conf';
    return -e $file ? file_get_contents($file) : undef;
}

sub restore_vm_init {
    my ($self, $volname, $storeid) = @_;

    my %devices;
    for my $disk (glob($self->_archive($volname) . '/*.qcow2')) {
        my ($device) = $disk =~ m!([^/]+)\.qcow2\z!;
        my $json = '';
        run_command(['qemu-img', 'info', '-f', 'qcow2', '--output', 'json', $disk],
            outfunc => sub { $json .= $_[0] },);
        $devices{$device} = { size => JSON::PP::decode_json($json)->{'virtual-size'} };
    }
    return \%devices;
}

sub restore_vm_cleanup {
    my ($self, $volname, $storeid) = @_;

    $self->_unmount_all();
    return;
}

sub restore_vm_volume_init {
    my ($self, $volname, $storeid, $device_name, $info) = @_;

    my $disk = $self->_archive($volname) . "/$device_name.qcow2";
    die "the backup '$volname' has no disk '$device_name'\n" if !-e $disk;
    return { 'qemu-img-path' => $self->_mount_qcow2($disk, -s $disk, '--read-only') };
}

sub restore_vm_volume_cleanup {
    my ($self, $volname, $storeid, $device_name, $info) = @_;

    $self->_unmount_all();
    return;
}

sub restore_container_init {
    my ($self, $volname, $storeid, $info) = @_;

    my $dir = $self->_archive($volname);
    my $root = $self->_dir(".run/$$-restore");
    make_path($root);
    $self->{unpacked} = $root;
    run_command([
        'tar', '--extract',
        '--numeric-owner', '--preserve-permissions',
        '--xattrs', '--xattrs-include=*',
        "--directory=$root", '--file',
        "$dir/tree/data.tar"
    ]);
    return { 'archive-directory' => $root };
}

sub restore_container_cleanup {
    my ($self, $volname, $storeid, $info) = @_;

    remove_tree(delete $self->{unpacked}) if $self->{unpacked};
    return;
}

1;
