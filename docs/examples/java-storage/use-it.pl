#!/usr/bin/perl

# Uses the storage type as any program of PVE does: use-it.pl CLASS-FILE DIRECTORY. On a machine without PVE, Tenon's compat
# layer has to be in @INC. Names are parsed without the daemon; everything else is done by it.

use v5.36;

my ($file, $directory) = @ARGV;
require PVE::Storage::Plugin;
require $file;
my $class = 'PVE::Storage::Custom::ShelfPlugin';

my ($vtype, $name, $vmid, undef, undef, undef, $format) = $class->parse_volname('disk-100-7');
say "$vtype $name $vmid $format";
eval { $class->parse_volname('vm-100-disk-0.raw') };
print $@;
say join(' ', sort keys $class->properties->%*);
exit(0) if !defined($directory);

my $scfg = { type => 'shelf', 'shelf-path' => $directory, content => { images => 1 } };
$class->activate_storage('books', $scfg, {});
my $volname = $class->alloc_image('books', $scfg, 100, 'raw', undef, 1024);
say $volname;
say join(' ',
    map { "$_->{volid} $_->{size} $_->{vmid}" }
        $class->list_images('books', $scfg, 100, undef, {})->@*);
say scalar($class->path($scfg, $volname, 'books'));
$class->free_image('books', $scfg, $volname, 0, 'raw');
say 0 + $class->list_images('books', $scfg, undef, undef, {})->@*;
