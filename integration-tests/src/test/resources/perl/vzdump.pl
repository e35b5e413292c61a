# PVE's own vzdump, with its own code for VMs and containers, backs up one guest to a storage with a backup provider. The test is
# what is no storage: the VM's QEMU, whose commands it gets; the mounting of a container's volume; the cluster's files. Parts of
# PVE that are not there and have nothing to do with backups, such as notifications, are empty.

use v5.36;

use File::Basename qw(basename);
use File::Path qw(make_path);

BEGIN {
    my $missing = qr/\A(?:Proxmox|PVE\/RS|PVE\/Network|PVE\/Firewall|PVE\/API2\/Firewall)\b/;
    push @INC, sub ($self, $file) {
        return if $file !~ $missing;
        my $package = $file =~ s{/}{::}gr =~ s/\.pm\z//r;
        my $source = "package $package; sub import {} 1;";
        open(my $handle, '<', \$source) or die "$file: $!\n";
        return $handle;
    };
}

use JSON;

my $json = JSON->new->utf8->canonical->allow_nonref;
open(my $answers, '>&', \*STDOUT) or die "cannot keep standard output: $!\n";
open(STDOUT, '>&', \*STDERR) or die "cannot join standard output and error: $!\n";
$answers->autoflush(1);

sub say_to_test ($what, $value = undef) {
    $answers->print($json->encode({ what => $what, value => $value }) . "\n");
    return;
}

sub hear () {
    my $line = <STDIN> // die "the test has gone\n";
    return $json->decode($line);
}

sub ask_test ($what, $value) {
    say_to_test($what, $value);
    return hear();
}

my $task = hear();
$ENV{TENON_SOCKET} = $task->{socket};
$ENV{PATH} = "$task->{programs}:$ENV{PATH}";
my ($vmid, $type, $storeid) = $task->@{qw(vmid type storeid)};

require PVE::Storage::Plugin;
require PVE::Storage;
my $class = 'PVE::Storage::Custom::' . basename($task->{proxy}, '.pm');
require $task->{proxy};
$class->import;
$class->register;
PVE::Storage::Plugin->init;
PVE::Storage->import;
require PVE::VZDump;
require PVE::VZDump::LXC;
require PVE::VZDump::QemuServer;
my $environment = PVE::RPCEnvironment->init('cli');
$environment->set_user('root@pam');

my $storages = {
    ids => {
        $storeid => { $task->{scfg}->%*, type => $class->type, content => { backup => 1 } },
        fleece =>
            { type => 'dir', path => $task->{work}, content => { images => 1, rootdir => 1 } },
    },
    order => { $storeid => 1, fleece => 2 },
    digest => '',
};
my $guest = { hostname => 'guest', unprivileged => 1, digest => '' };

{
    no warnings qw(redefine once);
    *PVE::Storage::config = sub { return $storages };
    *PVE::Cluster::cfs_update = sub { return };
    *PVE::Cluster::get_clinfo = sub { return {} };
    *PVE::Cluster::get_vmlist = sub { return { ids => { $vmid => { type => $type } } } };
    *PVE::RPCEnvironment::check = sub { return 1 };
    *PVE::VZDump::check_bin = sub { return };
    *PVE::VZDump::send_notification = sub { return };
    *PVE::VZDump::run_hook_script = sub ($self, $phase, @) {
        say_to_test(hook => $phase);
        die "the hook script failed\n" if $phase eq ($task->{'failing-hook'} // '');
        return;
    };

    # The VM's QEMU.
    *PVE::QemuServer::Helpers::vm_running_locally = sub { return 1 };
    *PVE::QemuServer::check_running = sub { return 1 };
    *PVE::QemuServer::register_qmeventd_handle = sub {
        open(my $handle, '<', '/dev/null') or die "/dev/null: $!\n";
        return $handle;
    };
    *PVE::QemuServer::Blockdev::attach = sub { return };
    *PVE::QemuServer::Blockdev::detach = sub { return };
    my @fleecing;
    *PVE::QemuConfig::record_fleecing_images =
        sub ($id, $volids) { @fleecing = $volids->@*; return };
    *PVE::QemuConfig::cleanup_fleecing_images = sub (@) {
        PVE::Storage::vdisk_free($storages, $_) for splice(@fleecing);
        return;
    };
    *PVE::QemuServer::QMPHelpers::nbd_stop = sub ($id) { return monitor($id, 'nbd-server-stop') };
    *PVE::VZDump::QemuServer::mon_cmd = \&monitor;

    # The container's volume.
    *PVE::LXC::Config::load_config = sub (@) { return $guest };
    *PVE::LXC::check_running = sub { return 0 };
    *PVE::Storage::activate_volumes = sub { return };
    *PVE::LXC::mountpoint_mount = sub ($disk, $root, @) {
        PVE::Tools::run_command(['mount', '--bind', $task->{directory}, $root . $disk->{mp}]);
        return;
    };
}

sub monitor ($id, $command, %arguments) {
    return { 'backup-access-api' => 1, 'backup-fleecing' => 1 }
        if $command eq 'query-proxmox-support';
    return [] if $command eq 'query-pbs-bitmap-info';
    return { status => 'running' } if $command eq 'query-status';
    return {} if $command eq 'cont';
    if ($command eq 'backup-access-setup') {
        my %wanted = map { $_->{device} => $_->{'bitmap-mode'} // 'none' } $arguments{devices}->@*;
        say_to_test('target id' => $arguments{'target-id'});
        return ask_test(setup => \%wanted);
    }
    delete $arguments{timeout};
    return ask_test(monitor => { execute => $command, arguments => \%arguments });
}

package Vm {
    use parent -norequire, 'PVE::VZDump::QemuServer';

    sub vm_status ($self, $id) { return (1, 'running') }
    sub lock_vm ($self, $id) { return }
    sub unlock_vm ($self, $id) { return }

    sub prepare ($self, $todo, $id, $mode) {
        $self->{vm_was_running} = 1;
        $todo->{hostname} = $guest->{hostname};
        $todo->{disks} = [
            map { { qmdevice => $_, virtdev => s/\Adrive-//r, type => 'file' } }
            sort keys $task->{sizes}->%*
        ];
        return;
    }

    sub query_block_node_sizes ($self, $id, $disks) {
        $_->{'block-node-size'} = $task->{sizes}->{ $_->{qmdevice} } for $disks->@*;
        return;
    }

    sub assemble ($self, $todo, $id) {
        PVE::Tools::file_copy($task->{config}, "$todo->{tmpdir}/qemu-server.conf");
        return;
    }
}

package Container {
    use parent -norequire, 'PVE::VZDump::LXC';

    sub vm_status ($self, $id) { return (0, 'stopped') }
    sub lock_vm ($self, $id) { return }
    sub unlock_vm ($self, $id) { return }
}

package main;

for my $signal (qw(HUP INT QUIT TERM)) {
    $SIG{$signal} = sub { die "interrupted by signal\n" };
}

if ($type eq 'lxc') {

    # PVE mounts below /mnt, in a namespace of its own; here that directory too is nobody else's.
    PVE::Tools::unshare(PVE::Tools::CLONE_NEWNS());
    PVE::Tools::run_command(['mount', '--make-rslave', '/']);
    PVE::Tools::run_command(['mount', '-t', 'tmpfs', 'tmpfs', '/mnt']);
    my $volid = PVE::Storage::vdisk_alloc($storages, 'fleece', $vmid, 'raw', undef, 1024);
    $guest->{rootfs} = "$volid,size=1M";
}

my $good = eval {
    my $vzdump = PVE::VZDump->new(
        'vzdump',
        {
            vmids => [$vmid],
            mode => 'snapshot',
            storage => $storeid,
            tmpdir => $task->{work},
            'notes-template' => '{{guestname}} is well',
            fleecing => { enabled => 1, storage => 'fleece' },
            remove => 0,
            all => 0,
            $task->{options}->%*,
        },
    );
    say_to_test(provider => ref($vzdump->{'backup-provider'}));
    $vzdump->{plugins} = [
        map {
            bless({ vzdump => $vzdump, vmlist => { $vmid => $guest }, storecfg => $storages }, $_)
        } qw(Vm Container)
    ];
    $vzdump->exec_backup($environment, 'root@pam');
    1;
};
say_to_test(error => "$@") if !$good;
unlink("/var/log/vzdump/$type-$vmid.log");
rmdir('/var/log/vzdump');

my @archives = map {
    { $_->%{qw(volid size subtype notes protected encrypted)} }
    }
    sort { $a->{ctime} <=> $b->{ctime} }
    PVE::Storage::volume_list($storages, $storeid, $vmid, 'backup')->@*;
say_to_test(archives => \@archives);
say_to_test(config => unpack('H*', PVE::Storage::extract_vzdump_config($storages, $_->{volid})))
    for @archives;
say_to_test('result');
