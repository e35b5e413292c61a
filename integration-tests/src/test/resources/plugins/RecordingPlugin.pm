package PVE::Storage::Custom::RecordingPlugin__LEVEL__;

# In the style of an API level that the test puts in: it has the methods of that level, and each takes exactly the
# arguments of that level. Every call is written down; the answers are always the same.

use v5.36;

use File::Basename qw(dirname);
use JSON::PP;
use Scalar::Util qw(reftype);

use base qw(PVE::Storage::Plugin);

my $NOTES = dirname(__FILE__) . '/notes-__LEVEL__';
my $JSON = JSON::PP->new->canonical->allow_nonref;

sub shown ($value) {
    my $type = reftype($value) // return defined($value) ? "$value" : undef;
    return { map { $_ => shown($value->{$_}) } grep { $_ ne 'tenon-operation' } keys $value->%* }
        if $type eq 'HASH';
    return [map { shown($_) } $value->@*] if $type eq 'ARRAY';
    return $type;
}

sub record ($name, $want, @args) {
    open(my $fh, '>>', $NOTES) or die "$NOTES: $!\n";
    my $context = $want ? 'list' : defined($want) ? 'scalar' : 'void';
    print $fh $JSON->encode([$name, $context, map { shown($_) } @args]), "\n";
    close($fh);
    return;
}

my %ANSWERS = (
    check_config => sub ($storeid, $config, @) { $config->{checked} = 1; return { $config->%* } },
    on_add_hook => sub ($storeid, $scfg, @) { $scfg->{mountpoint} = '/mnt'; return { key => 'k' } },
    on_update_hook => sub ($storeid, $update, @) { $update->{updated} = 1; return undef },
    on_update_hook_full =>
        sub ($storeid, $scfg, $update, @) { $update->{updated} = 1; return undef },
    cluster_lock_storage =>
        sub ($storeid, $shared, $timeout, $func, @) { return scalar($func->()) },
    check_connection => sub (@) { return 1 },
    get_formats => sub (@) { return { default => 'qcow2', valid => { raw => 1, qcow2 => 1 } } },
    storage_can_replicate => sub (@) { return '1' },
    get_identity => sub (@) { return "serial 7" },
    parse_volname =>
        sub (@) { return ('images', 'vm-100-disk-0.raw', '100', undef, undef, 'base-', 'raw') },
    FORMAT_EXTENSION => sub (@) { return { raw => '', dax => 'dax' } },
    is_valid_format => sub (@) { return 'yes' },
    get_format_extension => sub (@) { return 'dax' },
    get_parsed_format => sub (@) { return 'dax' },
    volname_with_format => sub (@) { return 'vm-100-disk-9.dax' },
    volname_for_format => sub (@) { return 'vm-100-disk-8' },
    path => sub (@) { return ('/dev/x', '100', 'images') },
    filesystem_path => sub (@) { return ('/srv/x', '100', 'images') },
    get_subdir => sub (@) { return '/srv/iso' },
    list_images => sub (@) {
        return [{ volid => 'nas:vm-100-disk-0', size => '1024', vmid => '100', lun => 7 }];
    },
    list_volumes => sub (@) {
        return [{
                volid => 'vm-100-disk-0',
                format => 'raw',
                content => 'images',
                verification => { state => 'ok' } }];
    },
    volume_size_info => sub (@) { return ('1024', 'raw', undef, undef, '5.5') },
    status => sub (@) { return ('3e3', 2000, 1000, 'yes') },
    find_free_diskname => sub (@) { return 'vm-100-disk-1' },
    alloc_image => sub (@) { return "vm-100-disk-1\n" },
    free_image => sub (@) { return undef },
    create_base => sub (@) { return 'base-100-disk-0' },
    clone_image => sub (@) { return 'vm-101-disk-0' },
    rename_volume => sub (@) { return 'vm-101-disk-0' },
    volume_rollback_is_possible => sub (@args) {
        push $args[4]->@*, 'later' if $args[4];
        die "can't rollback, 'before' is not most recent snapshot\n";
    },
    volume_snapshot_needs_fsfreeze => sub (@) { return 0 },
    volume_snapshot_list => sub (@) { return ['before'] },
    volume_snapshot_info => sub (@) { return { before => { id => 'guid', timestamp => '5' } } },
    volume_qemu_snapshot_method => sub (@) { return 'mixed' },
    volume_has_feature => sub (@) { return undef },
    map_volume => sub (@) { return '/dev/mapper/x' },
    get_volume_attribute => sub (@) { return 'a note' },
    get_volume_notes => sub (@) { return 'a note' },
    prune_backups => sub ($scfg, $storeid, $keep, $vmid, $type, $dryrun, $logfunc) {
        delete $keep->{'keep-all'};
        $logfunc->('info', 'pruned') if $logfunc;
        return [{ volid => 'nas:backup/x', ctime => '5', type => 'qemu', mark => 'keep' }];
    },
    qemu_blockdev_options =>
        sub (@) { return { driver => 'nbd', port => 10809, 'read-only' => JSON::PP::true } },
    get_import_metadata => sub (@) { return { type => 'vm', net => {} } },
    volume_export_formats => sub (@) { return ('raw+size', 'zfs') },
    volume_import_formats => sub (@) { return () },
    volume_export =>
        sub ($scfg, $storeid, $fh, @) { syswrite($fh, 'exported') == 8 or die "write: $!\n" },
    volume_import =>
        sub ($scfg, $storeid, $fh, @) { sysread($fh, my $number, 10); return "vm-100-disk-$number" }
    ,
);

sub answer ($name, $want, @args) {
    record($name, $want, @args);
    my $answer = $ANSWERS{$name} // return;
    return $answer->(@args);
}

sub api ($class) { return __LEVEL__ }

sub type ($class) { return 'recording__LEVEL__' }

sub plugindata ($class) {
    return {
        content => [{ images => 1, backup => 1 }, { images => 1 }],
        format => [{ raw => 1, qcow2 => 1 }, 'raw'] };
}

sub properties ($class) { return {} }

sub options ($class) { return { nodes => { optional => 1 }, content => { optional => 1 } } }

__METHODS__

    1;
