#!/usr/bin/perl

# An ordinary program that uses a storage as PVE does: by the methods of its plugin class. It prints one JSON line for
# each call, with the arguments and what came back.

use v5.36;

use JSON::PP;

use PVE::Storage;
use PVE::Storage::Custom::TenonDirPlugin;

my $plugin = 'PVE::Storage::Custom::TenonDirPlugin';

my ($storeid, $path) = @ARGV;
die "usage: storage-calls.pl STOREID PATH\n" if !defined($path);
my $scfg = { type => 'tenondir', path => $path, content => { images => 1 } };

my $json = JSON::PP->new->utf8->canonical->allow_nonref;
$| = 1;

sub called ($method, $args, $result, $error) {
    my @shown = map { ref($_) eq 'HASH' && $_ != $scfg ? {} : $_ } $args->@*;
    say $json->encode({
        method => $method,
        args => \@shown,
        defined($error) ? (error => $error) : (result => $result),
    });
    return;
}

# PVE calls some methods in list context and some in scalar context; so does this.
sub list ($method, @args) {
    my @result = eval { $plugin->$method(@args) };
    called($method, \@args, $@ ? undef : \@result, $@ || undef);
    return @result;
}

sub scalar_of ($method, @args) {
    my $result = eval { $plugin->$method(@args) };
    called($method, \@args, $@ ? undef : $result, $@ || undef);
    return $result;
}

my $cache = {};
scalar_of('activate_storage', $storeid, $scfg, $cache);
list('status', $storeid, $scfg, $cache);

list('parse_volname', '100/vm-100-disk-0.raw');
list('parse_volname', '9000/base-9000-disk-0.qcow2/100/vm-100-disk-2.qcow2');
list('parse_volname', '100/vm-100-cloudinit.qcow2');
list('parse_volname', '100/notes.txt');
list('parse_volname', '../../etc/passwd');

list('path', $scfg, '100/vm-100-disk-0.raw', $storeid);
list('filesystem_path', $scfg, '100/vm-100-disk-1.qcow2');

scalar_of('list_images', $storeid, $scfg, undef, undef, $cache);
scalar_of('list_images', $storeid, $scfg, 100, undef, $cache);
scalar_of('list_images', $storeid, $scfg, undef, ["$storeid:100/vm-100-disk-0.raw"], $cache);

list('volume_size_info', $scfg, $storeid, '100/vm-100-disk-0.raw', 5);
list('volume_size_info', $scfg, $storeid, '100/vm-100-disk-1.qcow2', 5);
list('volume_size_info', $scfg, $storeid, '9000/base-9000-disk-0.qcow2/100/vm-100-disk-2.qcow2', 5);

scalar_of('activate_volume', $storeid, $scfg, '100/vm-100-disk-0.raw', undef, {});
scalar_of('activate_volume', $storeid, $scfg, '100/vm-100-disk-77.raw', undef, {});

my $raw = scalar_of('alloc_image', $storeid, $scfg, 101, 'raw', undef, 4 * 1024);
my $qcow2 = scalar_of('alloc_image', $storeid, $scfg, 100, 'qcow2', 'vm-100-state.qcow2', 8 * 1024);
scalar_of('alloc_image', $storeid, $scfg, 100, 'qcow2', 'vm-100-state.raw', 1024);
scalar_of('list_images', $storeid, $scfg, undef, undef, {});
for my $volname (grep { defined } $raw, $qcow2) {
    list('volume_size_info', $scfg, $storeid, $volname, 5);
    scalar_of('free_image', $storeid, $scfg, $volname, 0, undef);
}
scalar_of('list_images', $storeid, $scfg, undef, undef, {});

scalar_of('deactivate_volume', $storeid, $scfg, '100/vm-100-disk-0.raw', undef, {});
scalar_of('deactivate_storage', $storeid, $scfg, {});
