package HostFunctions;

# The functions of PVE::Storage by name. Where there is no PVE, what they do around a plugin stands here, as far as tests
# need it.

use v5.36;

use PVE::Storage;
use PVE::Storage::Plugin;

my sub plugin_of ($cfg, $storeid) {
    my $scfg = PVE::Storage::storage_config($cfg, $storeid);
    return ($scfg, PVE::Storage::Plugin->lookup($scfg->{type}));
}

my sub volume ($cfg, $volid) {
    my ($storeid, $volname) = PVE::Storage::parse_volume_id($volid);
    return ($storeid, $volname, plugin_of($cfg, $storeid));
}

my sub locked ($plugin, $storeid, $scfg, $code) {
    return $plugin->cluster_lock_storage($storeid, $scfg->{shared}, undef, $code);
}

my sub is_used ($plugin, $scfg, $storeid, $volname) {
    my (undef, $name, $vmid, undef, undef, $is_base) = $plugin->parse_volname($volname);
    return 0 if !$is_base;
    for my $image ($plugin->list_images($storeid, $scfg)->@*) {
        my $clone = (PVE::Storage::parse_volume_id($image->{volid}))[1];
        my ($base_name, $base_vmid) = ($plugin->parse_volname($clone))[3, 4];
        return 1 if defined($base_name) && $base_name eq $name && $base_vmid eq $vmid;
    }
    return 0;
}

my %OWN = (
    vdisk_alloc => sub ($cfg, $storeid, $vmid, $format, $name, $kib) {
        my ($scfg, $plugin) = plugin_of($cfg, $storeid);
        my @args = ($storeid, $scfg, $vmid, $format, $name, $kib);
        return "$storeid:" . locked($plugin, $storeid, $scfg, sub { $plugin->alloc_image(@args) });
    },
    vdisk_clone => sub ($cfg, $volid, $vmid, $snapshot = undef) {
        my ($storeid, $volname, $scfg, $plugin) = volume($cfg, $volid);
        my @args = ($scfg, $storeid, $volname, $vmid, $snapshot);
        return "$storeid:" . locked($plugin, $storeid, $scfg, sub { $plugin->clone_image(@args) });
    },
    vdisk_create_base => sub ($cfg, $volid) {
        my ($storeid, $volname, $scfg, $plugin) = volume($cfg, $volid);
        my @args = ($storeid, $scfg, $volname);
        return "$storeid:" . locked($plugin, $storeid, $scfg, sub { $plugin->create_base(@args) });
    },
    vdisk_free => sub ($cfg, $volid) {
        my ($storeid, $volname, $scfg, $plugin) = volume($cfg, $volid);
        my $free = sub {
            die "base volume '$volname' is still in use by linked clones\n"
                if is_used($plugin, $scfg, $storeid, $volname);
            my ($is_base, $format) = ($plugin->parse_volname($volname))[5, 6];
            return $plugin->free_image($storeid, $scfg, $volname, $is_base, $format);
        };
        locked($plugin, $storeid, $scfg, $free);
        return;
    },
    vdisk_list => sub ($cfg, $storeid, $vmid = undef) {
        my ($scfg, $plugin) = plugin_of($cfg, $storeid);
        return { $storeid => $plugin->list_images($storeid, $scfg, $vmid, undef, {}) };
    },
    rename_volume => sub ($cfg, $volid, $vmid, $name) {
        my ($storeid, $volname, $scfg, $plugin) = volume($cfg, $volid);
        my @args = ($scfg, $storeid, $volname, $vmid, $name);
        return locked($plugin, $storeid, $scfg, sub { $plugin->rename_volume(@args) });
    },
    volume_has_feature => sub ($cfg, $feature, $volid, $snapshot = undef) {
        my ($storeid, $volname, $scfg, $plugin) = volume($cfg, $volid);
        return $plugin->volume_has_feature($scfg, $feature, $storeid, $volname, $snapshot);
    },
    volume_resize => sub ($cfg, $volid, $size, @args) {
        my ($storeid, $volname, $scfg, $plugin) = volume($cfg, $volid);
        my $padded = $size + (1024 - $size % 1024) % 1024;
        return $plugin->volume_resize($scfg, $storeid, $volname, $padded, @args);
    },
    volume_snapshot_rollback => sub ($cfg, $volid, $snapshot) {
        my ($storeid, $volname, $scfg, $plugin) = volume($cfg, $volid);
        $plugin->volume_rollback_is_possible($scfg, $storeid, $volname, $snapshot);
        return $plugin->volume_snapshot_rollback($scfg, $storeid, $volname, $snapshot);
    },
    map {
        my $method = $_;
        $method => sub ($cfg, $volid, @args) {
            my ($storeid, $volname, $scfg, $plugin) = volume($cfg, $volid);
            return $plugin->$method($scfg, $storeid, $volname, @args);
        }
    } qw(volume_size_info volume_snapshot volume_snapshot_delete volume_snapshot_info),
);

# Not one of PVE::Storage's.
my sub find_free_diskname ($cfg, $storeid, $vmid, $format) {
    my ($scfg, $plugin) = plugin_of($cfg, $storeid);
    return $plugin->find_free_diskname($storeid, $scfg, $vmid, $format, 1);
}

sub named ($name) {
    return \&find_free_diskname if $name eq 'find_free_diskname';
    return PVE::Storage->can($name) // $OWN{$name} // die "there is no function '$name'\n";
}

# Runs code while nobody else changes the storage.
sub lock_storage ($cfg, $storeid, $timeout, $code) {
    my ($scfg, $plugin) = plugin_of($cfg, $storeid);
    return $plugin->cluster_lock_storage($storeid, $scfg->{shared}, $timeout, $code);
}

1;
