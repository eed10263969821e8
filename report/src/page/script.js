(function(){
"use strict";
// Sorting: a button in every head. First what is better, then the other way, then as it was.
document.querySelectorAll("table.sorts").forEach(function(table){
  var bodies=Array.prototype.slice.call(table.tBodies);
  var was=bodies.map(function(b){return Array.prototype.slice.call(b.rows);});
  var heads=Array.prototype.slice.call(table.tHead.rows[0].cells);
  function value(row,i){
    var cell=row.cells[i];
    if(!cell)return null;
    var v=cell.getAttribute("data-v");
    if(v===null)return cell.textContent.trim().toLowerCase();
    return v===""||v==="NaN"?null:Number(v);
  }
  function show(i,way){
    heads.forEach(function(h,j){
      if(j===i&&way)h.setAttribute("aria-sort",way>0?"ascending":"descending");
      else h.removeAttribute("aria-sort");
    });
    if(!way){
      bodies.forEach(function(b,k){was[k].forEach(function(r){r.hidden=false;b.appendChild(r);});});
      return;
    }
    var rows=[];
    was.forEach(function(list){list.forEach(function(r){
      if(r.classList.contains("group"))r.hidden=true;else rows.push(r);
    });});
    rows=rows.map(function(r,k){return{row:r,v:value(r,i),k:k};});
    rows.sort(function(a,b){
      if(a.v===null||b.v===null)return (a.v===null)-(b.v===null)||a.k-b.k;
      return (a.v<b.v?-way:a.v>b.v?way:0)||a.k-b.k;
    });
    rows.forEach(function(r){bodies[0].appendChild(r.row);});
  }
  heads.forEach(function(h,i){
    var first=h.getAttribute("data-first")==="desc"?-1:1;
    var button=document.createElement("button");
    button.type="button";
    var name=h.querySelector(".name")||h;
    while(name.firstChild)button.appendChild(name.firstChild);
    name.appendChild(button);
    button.addEventListener("click",function(){
      var now=h.getAttribute("aria-sort");
      var way=now==="ascending"?1:now==="descending"?-1:0;
      show(i,way===0?first:way===first?-first:0);
    });
  });
});
// Paper has no clicks: everything is opened for it and put back after.
var opened=[];
addEventListener("beforeprint",function(){
  document.querySelectorAll("details:not([open])").forEach(function(d){d.open=true;opened.push(d);});
});
addEventListener("afterprint",function(){opened.forEach(function(d){d.open=false;});opened=[];});
})();
