#!/usr/bin/perl

# Calls what a plugin class answers without a storage: what it says of itself, and what it makes of names. It prints one
# JSON line for each call, with the arguments and what came back. The plugin is loaded as PVE loads it, by its file.

use v5.36;

use JSON::PP;

use PVE::Storage::Plugin;

my ($file, $plugin) = @ARGV;
die "usage: class-calls.pl FILE PACKAGE\n" if !defined($plugin);

my $json = JSON::PP->new->utf8->canonical->allow_nonref->convert_blessed;
$| = 1;

# What the plugin prints must not get between the lines.
open(my $out, '>&', \*STDOUT) or die "unable to keep standard output: $!\n";
open(STDOUT, '>&', \*STDERR) or die "unable to redirect standard output: $!\n";
$out->autoflush(1);

require $file;

sub called ($method, $args, $result, $error) {
    my %outcome = defined($error) ? (error => $error) : (result => $result);
    say {$out} $json->encode({ method => $method, args => $args, %outcome });
    return;
}

for my $method (qw(type plugindata properties options)) {
    my $result = eval { $plugin->$method() };
    called($method, [], $@ ? undef : $result, $@ || undef);
}

for my $volname (
    'vm-100-disk-0', 'vm-100-disk-0.raw',
    '100/vm-100-disk-0.qcow2', 'base-9000-disk-0',
    'base-9000-disk-0/vm-100-disk-1', 'vm-100-cloudinit',
    'vm-100-state-before', 'subvol-101-disk-0',
    'iso/debian.iso', 'backup/vzdump-qemu-100-2026_01_02-03_04_05.vma.zst',
    'nothing', '../../etc/passwd',
) {
    my @result = eval { $plugin->parse_volname($volname) };
    called('parse_volname', [$volname], $@ ? undef : \@result, $@ || undef);
}
